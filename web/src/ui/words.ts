/**
 * The words of the call, in the languages the page can be used in. A patient who follows an invitation reads them in
 * the language they were invited in; what clinicians alone see is in English.
 */
import type { CaptionDropReason, Language, PreservedKind, SpeechSkipReason } from '@events';
import type { Trouble } from '../call/local-media';
import type { Rating } from '../call/quality';
import { primary } from './format';

const en = {
  /** BCP 47, for screen readers. */
  tag: 'en' as string,
  roles: { clinician: 'Clinician', patient: 'Patient', relative: 'Relative', colleague: 'Colleague' } as Readonly<Record<string, string>>,
  you: 'You',
  invitedAs: (role: string) => `You are invited as ${role}`,
  invitedTo: 'A medical consultation by video, with live captions and an interpreter’s voice.',
  consent: 'What is said is captioned and translated by machine, and kept in the record of the consultation.',
  joinTitle: 'Join the call',
  join: 'Join the call',
  joinNow: 'Join now',
  joinSilent: 'Join without a microphone',
  joining: 'Joining',
  rejoin: 'Join again',
  leave: 'Leave',
  left: 'You have left the call.',
  iAm: 'I am the',
  iSpeak: 'I speak',
  findOut: 'Find out from my speech',
  microphone: 'Microphone',
  microphoneShort: 'Mic',
  camera: 'Camera',
  speaker: 'Loudspeaker',
  systemDefault: 'System default',
  noDevice: 'None found',
  testSpeaker: 'Test',
  level: 'Microphone level',
  cameraOff: 'Your camera is off',
  turnCameraOn: 'Turn the camera on',
  turnCameraOff: 'Turn the camera off',
  mute: 'Mute the microphone',
  unmute: 'Unmute the microphone',
  muted: 'Muted',
  hearing: 'Hearing',
  hearingTitle: 'What you hear of people who speak another language',
  original: 'Original',
  originalHint: 'Their own voice only',
  both: 'Both',
  bothHint: 'Their voice, quieter while the interpreter speaks',
  translation: 'Translation',
  translationHint: 'The interpreter’s voice only',
  voiceVolume: 'Interpreter’s volume',
  voiceMissing: 'The interpreter’s voice is not connected: you hear the original.',
  voiceSpeaking: 'Interpreter speaking',
  captions: 'Captions',
  captionsOn: 'Show captions on the picture',
  captionsOff: 'Hide captions on the picture',
  devices: 'Devices',
  invite: 'Invite',
  enlarge: 'Enlarge the call',
  enlargeShort: 'Enlarge',
  shrink: 'Show the record beside the call',
  shrinkShort: 'Record',
  alone: 'Nobody else is in the call yet.',
  aloneHint: 'You will see and hear them as soon as they join.',
  notJoined: 'Nobody is in the call.',
  inCall: (names: string) => `In the call: ${names}`,
  connectingTo: (name: string) => `Connecting to ${name}`,
  reconnecting: 'Connection lost, reconnecting',
  unsteady: 'Connection unsteady',
  callFailed: 'The call could not be set up.',
  clickToHear: 'Click to hear the call',
  soundOnly: 'This server takes sound only: your picture is not sent.',
  quality: { good: 'Good', fair: 'Fair', poor: 'Poor' } as Readonly<Record<Rating, string>>,
  qualityOf: (name: string, rating: string) => `Connection of ${name}: ${rating}`,
  yourConnection: 'Your connection',
  translating: 'translating',
  speaking: 'speaking',
  transcribing: 'transcribing',
  check: 'May not say the same:',
  checkWith: 'Check the original with the speaker:',
  typed: 'typed',
  notTranslated: 'typed, not translated',
  lowConfidence: 'low confidence',
  unsure: 'The recogniser was unsure of this word',
  byMachine: (engine: string, reviewed: boolean) => `machine (${engine}), ${reviewed ? 'reviewed' : 'unreviewed'}`,
  byMachineTitle: (engine: string, reviewed: boolean) =>
    `Translated by machine with ${engine}${reviewed ? '.' : '; nobody has reviewed this engine for these languages.'}`,
  interrupted: 'interrupted',
  skipped: {
    not_preserved: 'not spoken aloud: it may not say the same',
    turn_taken: 'not spoken: somebody else was speaking',
    backlog: 'not spoken: too much was waiting',
  } as Readonly<Record<SpeechSkipReason, string>>,
  dropped: {
    implausible: 'Not transcribed: the text was implausible',
    model_failed: 'Not transcribed: speech recognition failed',
    interrupted: 'Not transcribed: the audio was interrupted',
  } as Readonly<Record<Exclude<CaptionDropReason, 'no_speech'>, string>>,
  finding: {
    what: { number: 'number', unit: 'dose or unit', drug: 'medicine', negation: '“not”', laterality: 'side of the body', term: 'term' } as Readonly<Record<PreservedKind, string>>,
    differs: (what: string, source: string, target: string) => `${what} differs: ${source} → ${target}`,
    lost: (what: string) => `${what} lost in translation`,
    added: (what: string) => `${what} not in the original`,
    notSpoken: 'not spoken aloud',
  },
  nothingSaid: 'Nothing has been said yet. Join the call, or wait for the others.',
  connecting: 'Connecting',
  live: 'Live',
  retryNow: 'Retry now',
  retryIn: (seconds: number) => `Reconnecting in ${seconds} s`,
  sessionEnded: 'Session ended',
  noSession: 'No session',
  noAnswer: 'The server has not answered yet.',
  noConnectionSince: (time: string) => `No connection since ${time}. Nothing on this page is current until it is back.`,
  detected: 'detected',
  unknownLanguage: 'Language not known yet',
  typeAs: (role: string, language: string) => `Type as ${role.toLowerCase()}${language === '' ? '' : ` in ${language}`}`,
  notDiagnosis: 'Decision support, not diagnosis.',
  machineMade: 'Captions, translations and reports are made by machine and may be wrong.',
  consultation: 'Consultation',
  linkUnknown: 'This invitation is not valid. Ask whoever sent it for a new link.',
  linkExpired: 'This invitation has expired. Ask whoever sent it for a new link.',
  linkFailed: 'The invitation could not be opened.',
  tryAgain: 'Try again',
  trouble: (t: Trouble): string => {
    const device = { audioinput: 'microphone', videoinput: 'camera', audiooutput: 'loudspeaker' }[t.device];
    switch (t.kind) {
      case 'denied':
        return `The browser may not use the ${device}: allow it for this page, then try again.`;
      case 'missing':
        return `No ${device} was found.`;
      case 'busy':
        return `The ${device} is in use by another program.`;
      case 'insecure':
        return `Browsers give the ${device} only to pages opened over HTTPS or on localhost.`;
      case 'other':
        return `The ${device} could not be opened.`;
      case 'lost': {
        const was = t.was === '' ? `The ${device}` : t.was;
        return t.now === undefined ? `${was} was unplugged. There is no other ${device}.` : `${was} was unplugged. Now using ${t.now}.`;
      }
      case 'found':
        return `Now using ${t.now}.`;
    }
  },
};

export type Words = typeof en;

const pt: Words = {
  tag: 'pt',
  roles: { clinician: 'Profissional de saúde', patient: 'Paciente', relative: 'Familiar', colleague: 'Colega' },
  you: 'Você',
  invitedAs: (role) => `Convite para entrar como ${role}`,
  invitedTo: 'Uma consulta médica por vídeo, com legendas ao vivo e a voz de um intérprete.',
  consent: 'O que é dito é legendado e traduzido por máquina e fica no registro da consulta.',
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
  notJoined: 'Ninguém está na chamada.',
  inCall: (names) => `Na chamada: ${names}`,
  connectingTo: (name) => `Ligando a ${name}`,
  reconnecting: 'Conexão perdida, ligando de novo',
  unsteady: 'Conexão instável',
  callFailed: 'Não foi possível fazer a chamada.',
  clickToHear: 'Clique para ouvir a chamada',
  soundOnly: 'Este servidor aceita só som: sua imagem não é enviada.',
  quality: { good: 'Boa', fair: 'Média', poor: 'Fraca' },
  qualityOf: (name, rating) => `Conexão de ${name}: ${rating}`,
  yourConnection: 'Sua conexão',
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
  typeAs: (_, language) => `Escrever${language === '' ? '' : ` em ${language}`}`,
  notDiagnosis: 'Apoio à decisão, não diagnóstico.',
  machineMade: 'Legendas e traduções são feitas por máquina e podem conter erros.',
  consultation: 'Consulta',
  linkUnknown: 'Este convite não é válido. Peça um novo link a quem o enviou.',
  linkExpired: 'Este convite expirou. Peça um novo link a quem o enviou.',
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

const ALL: Readonly<Record<string, Words>> = { en, pt };

export function wordsFor(language: Language): Words {
  return ALL[primary(language)] ?? en;
}

export function roleName(words: Words, participant: string): string {
  const known = words.roles[participant];
  if (known !== undefined) return known;
  const text = participant.replaceAll(/[-_]+/g, ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** For a placeholder where there is no picture: `MD` of "Maria Dias", `P` of "Patient". */
export function initials(name: string): string {
  const parts = name.split(/\s+/).filter((part) => part !== '');
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts.slice(0, 1);
  return letters.map((part) => String.fromCodePoint(part?.codePointAt(0) ?? 0x20)).join('').trim().toLocaleUpperCase();
}
