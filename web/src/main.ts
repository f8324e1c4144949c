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
import './styles/scores.css';
import './styles/side.css';
import './styles/images.css';
import './styles/lobby.css';
import './styles/call.css';
import './styles/stage.css';
import './styles/prejoin.css';
import './styles/ward.css';
import './styles/waveforms.css';
import { openConsultation } from './ui/consultation';
import { openInvitation } from './ui/invitation';
import { openLobby } from './ui/lobby';
import { openWard } from './ui/ward';

const root = document.getElementById('app');
const query = new URLSearchParams(location.search);
const session = query.get('session') ?? '';
const invitation = query.get('invitation') ?? '';
if (root !== null) {
  if (invitation !== '') openInvitation(root, invitation);
  else if (session !== '') openConsultation(root, session);
  else if (location.pathname === '/ward') openWard(root);
  else openLobby(root);
}
