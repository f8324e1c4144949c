import './styles/base.css';
import './styles/lobby.css';
import './styles/consultation.css';
import './styles/clinical.css';
import { openConsultation } from './ui/consultation';
import { openLobby } from './ui/lobby';

const root = document.getElementById('app');
const session = new URLSearchParams(location.search).get('session');
if (root !== null) {
  if (session === null || session === '') openLobby(root);
  else openConsultation(root, session);
}
