import './styles/tokens.css';
import './styles/base.css';
import './styles/controls.css';
import './styles/overlays.css';
import './styles/topbar.css';
import './styles/layout.css';
import './styles/captions.css';
import './styles/dock.css';
import './styles/alarms.css';
import './styles/vitals.css';
import './styles/news2.css';
import './styles/side.css';
import './styles/images.css';
import './styles/lobby.css';
import { openConsultation } from './ui/consultation';
import { openLobby } from './ui/lobby';

const root = document.getElementById('app');
const session = new URLSearchParams(location.search).get('session');
if (root !== null) {
  if (session === null || session === '') openLobby(root);
  else openConsultation(root, session);
}
