/** The words of the page in Portuguese: what patients and their relatives see. */
import type { Words } from './words-en';

export const pt: Words = {
  tag: 'pt',
  roles: { clinician: 'Profissional de saúde', patient: 'Paciente', relative: 'Familiar', colleague: 'Colega' },
  you: 'Você',
  invitedAs: (role) => `Convite para entrar como ${role}`,
  invitedTo: 'Uma consulta médica por vídeo, com legendas ao vivo e a voz de um intérprete.',
  consent: 'O que é dito é legendado e traduzido por máquina e fica no registro da consulta.',
  call: 'Chamada',
  controls: 'Comandos da chamada',
  joinTitle: 'Entrar na chamada',
  join: 'Entrar na chamada',
  joinNow: 'Entrar agora',
  joinSilent: 'Entrar sem microfone',
  joining: 'Entrando',
  rejoin: 'Entrar de novo',
  leave: 'Sair',
  left: 'Você saiu da chamada.',
  iAm: 'Eu sou',
  iSpeak: 'Eu falo',
  findOut: 'Descobrir pela minha fala',
  microphone: 'Microfone',
  microphoneShort: 'Microfone',
  camera: 'Câmera',
  speaker: 'Alto-falante',
  systemDefault: 'Padrão do sistema',
  noDevice: 'Nenhum encontrado',
  testSpeaker: 'Testar',
  level: 'Nível do microfone',
  cameraOff: 'Sua câmera está desligada',
  turnCameraOn: 'Ligar a câmera',
  turnCameraOff: 'Desligar a câmera',
  mute: 'Silenciar o microfone',
  unmute: 'Ligar o microfone',
  muted: 'Sem som',
  hearing: 'Ouvir',
  hearingTitle: 'O que você ouve de quem fala outra língua',
  original: 'Original',
  originalHint: 'Só a própria voz',
  both: 'Ambos',
  bothHint: 'A própria voz, mais baixa enquanto o intérprete fala',
  translation: 'Tradução',
  translationHint: 'Só a voz do intérprete',
  voiceVolume: 'Volume do intérprete',
  voiceMissing: 'A voz do intérprete não está ligada: você ouve o original.',
  voiceSpeaking: 'O intérprete fala',
  captions: 'Legendas',
  captionsOn: 'Mostrar legendas na imagem',
  captionsOff: 'Esconder legendas da imagem',
  devices: 'Aparelhos',
  invite: 'Convidar',
  enlarge: 'Ampliar a chamada',
  enlargeShort: 'Ampliar',
  shrink: 'Mostrar o registro ao lado da chamada',
  shrinkShort: 'Registro',
  alone: 'Ainda não há mais ninguém na chamada.',
  aloneHint: 'Você verá e ouvirá os outros assim que entrarem.',
  invitedHint: (names) => `Convite enviado, ainda não chegou: ${names}`,
  notJoined: 'Ninguém está na chamada.',
  inCall: (names) => `Na chamada: ${names}`,
  connectingTo: (name) => `Ligando a ${name}`,
  reconnecting: 'Conexão perdida, ligando de novo',
  unsteady: 'Conexão instável',
  callFailed: 'Não foi possível fazer a chamada.',
  elsewhere: 'Você entrou nesta chamada por outra janela ou outro aparelho.',
  refused: (status) => {
    if (status === 0) return 'Não foi possível fazer a chamada: o servidor não responde.';
    if (status === 410) return 'A consulta terminou.';
    if (status === 413 || status === 429 || status === 503) return 'Não foi possível fazer a chamada: não há lugar livre. Tente de novo daqui a pouco.';
    return 'Não foi possível fazer a chamada.';
  },
  clickToHear: 'Clique para ouvir a chamada',
  soundOnly: 'Este servidor aceita só som: sua imagem não é enviada.',
  quality: { good: 'Boa', fair: 'Média', poor: 'Fraca' },
  qualityOf: (name, rating) => `Conexão de ${name}: ${rating}`,
  yourConnection: 'Sua conexão',
  complaint: (c) => {
    switch (c.kind) {
      case 'none':
        return 'Som e imagem chegam bem.';
      case 'loss':
        return `${Math.round(c.percent)} % dos dados se perdem: podem faltar palavras.`;
      case 'delay':
        return `As respostas demoram mais ${c.seconds.toFixed(1).replace('.', ',')} s: faça uma pausa depois de falar.`;
      case 'jitter':
        return 'Os dados chegam de forma irregular: o som pode falhar.';
      case 'passing':
        return 'Está melhorando.';
    }
  },
  figures: { loss: 'Perda', rtt: 'Ida e volta', jitter: 'Variação', rate: 'Taxa de dados', unknown: 'desconhecido' },
  translating: 'traduzindo',
  speaking: 'falando',
  transcribing: 'transcrevendo',
  check: 'Pode não dizer o mesmo:',
  checkWith: 'Confira o original com quem falou:',
  typed: 'escrito',
  notTranslated: 'escrito, não traduzido',
  lowConfidence: 'pouca certeza',
  unsure: 'O reconhecimento teve dúvida nesta palavra',
  byMachine: (engine, reviewed) => `por máquina (${engine}), ${reviewed ? 'revisto' : 'não revisto'}`,
  byMachineTitle: (engine, reviewed) => `Traduzido por máquina com ${engine}${reviewed ? '.' : '; ninguém reviu este tradutor para estas línguas.'}`,
  interrupted: 'interrompido',
  skipped: {
    not_preserved: 'não dito em voz alta: pode não dizer o mesmo',
    turn_taken: 'não dito: outra pessoa estava falando',
    backlog: 'não dito: havia demais à espera',
  },
  dropped: {
    implausible: 'Não transcrito: o texto não era plausível',
    model_failed: 'Não transcrito: o reconhecimento falhou',
    interrupted: 'Não transcrito: o som foi interrompido',
  },
  finding: {
    what: { number: 'número', unit: 'dose ou unidade', drug: 'medicamento', negation: '«não»', laterality: 'lado do corpo', term: 'termo' },
    differs: (what, source, target) => `${what} diferente: ${source} → ${target}`,
    lost: (what) => `${what} perdido na tradução`,
    added: (what) => `${what} que não está no original`,
    notSpoken: 'não dito em voz alta',
  },
  nothingSaid: 'Ainda não se disse nada. Entre na chamada ou espere pelos outros.',
  connecting: 'Ligando',
  live: 'Ao vivo',
  retryNow: 'Tentar agora',
  retryIn: (seconds) => `Ligando de novo em ${seconds} s`,
  sessionEnded: 'Consulta terminada',
  noSession: 'Consulta inexistente',
  noAnswer: 'O servidor ainda não respondeu.',
  noConnectionSince: (time) => `Sem conexão desde ${time}. Nada nesta página está atualizado até ela voltar.`,
  detected: 'detectado',
  unknownLanguage: 'Língua ainda desconhecida',
  speaks: 'Fala',
  hearTranslation: 'Ouvir a tradução',
  stopHearing: 'Parar de ouvir',
  hearInto: 'Ouvir traduções para',
  muteTranslation: 'Silenciar a tradução',
  unmuteTranslation: 'Voltar a ouvir a tradução',
  onlyInCall: 'Este navegador só reproduz a tradução na chamada.',
  message: 'Mensagem',
  send: 'Enviar',
  notSent: 'Não enviado. Tente de novo.',
  notChanged: 'Não alterado. Tente de novo.',
  conversation: 'Conversa',
  log: 'Legendas e traduções',
  latest: 'Mais recente',
  fresh: (count) => (count === 1 ? '1 nova' : `${count} novas`),
  close: 'Fechar',
  lightTheme: 'Usar o tema claro',
  darkTheme: 'Usar o tema escuro',
  allSessions: 'Todas as consultas',
  spokenBy: (voice, seconds, cut) =>
    `Dito pela voz ${voice}, ${seconds.replace('.', ',')} s depois de a pessoa parar${cut ? '; interrompido quando alguém falou' : ''}`,
  spoken: 'dito em voz alta',
  eventTitle: (seq) => `evento ${seq}`,
  made: { caption: 'legenda', speech: 'tradução falada', translation: (language) => `tradução para ${language}` },
  provenance: {
    of: (what) => `Origem: ${what}`,
    how: (what) => `Como foi feita: ${what}`,
    model: 'Modelo',
    version: 'Versão',
    weights: 'SHA-256 dos pesos',
    inputs: (count) => (count === 1 ? 'Entrada' : 'Entradas'),
    audio: 'o som desta fala',
    machine: 'Feito por máquina.',
  },
  typeAs: (_, language) => `Escrever${language === '' ? '' : ` em ${language}`}`,
  notDiagnosis: 'Apoio à decisão, não diagnóstico.',
  machineMade: 'Legendas e traduções são feitas por máquina e podem conter erros.',
  consultation: 'Consulta',
  linkUnknown: 'Este convite não é válido. Peça um novo link a quem o enviou.',
  linkExpired: 'Este convite expirou. Peça um novo link a quem o enviou.',
  linkOver: 'Esta consulta já terminou.',
  linkFailed: 'Não foi possível abrir o convite.',
  tryAgain: 'Tentar de novo',
  trouble: (t) => {
    const device = { audioinput: 'o microfone', videoinput: 'a câmera', audiooutput: 'o alto-falante' }[t.device];
    switch (t.kind) {
      case 'denied':
        return `O navegador não pode usar ${device}: permita para esta página e tente de novo.`;
      case 'missing':
        return `Não foi possível encontrar ${device}.`;
      case 'busy':
        return `Outro programa está usando ${device}.`;
      case 'insecure':
        return `O navegador só permite usar ${device} em páginas abertas por HTTPS.`;
      case 'other':
        return `Não foi possível abrir ${device}.`;
      case 'lost': {
        const was = t.was === '' ? 'O aparelho' : t.was;
        return t.now === undefined ? `${was} foi desligado. Não há outro.` : `${was} foi desligado. Usando agora ${t.now}.`;
      }
      case 'found':
        return `Usando agora ${t.now}.`;
    }
  },
};
