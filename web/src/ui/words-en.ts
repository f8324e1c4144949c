/** The words of the page in English. */
import type { CaptionDropReason, PreservedKind, SpeechSkipReason } from '@events';
import type { Trouble } from '../call/local-media';
import type { Complaint, Rating } from '../call/quality';

export const en = {
  /** BCP 47, for screen readers. */
  tag: 'en' as string,
  roles: { clinician: 'Clinician', patient: 'Patient', relative: 'Relative', colleague: 'Colleague' } as Readonly<Record<string, string>>,
  you: 'You',
  invitedAs: (role: string) => `You are invited as ${role}`,
  invitedTo: 'A medical consultation by video, with live captions and an interpreter’s voice.',
  consent: 'What is said is captioned and translated by machine, and kept in the record of the consultation.',
  call: 'Call',
  controls: 'Controls of the call',
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
  invitedHint: (names: string) => `Invited, and not here yet: ${names}`,
  notJoined: 'Nobody is in the call.',
  inCall: (names: string) => `In the call: ${names}`,
  connectingTo: (name: string) => `Connecting to ${name}`,
  reconnecting: 'Connection lost, reconnecting',
  unsteady: 'Connection unsteady',
  callFailed: 'The call could not be set up.',
  elsewhere: 'You joined this call from another window or device.',
  /** By the status of the server's answer; 0 where there was none. */
  refused: (status: number | undefined): string => {
    if (status === 0) return 'The call could not be set up: the server cannot be reached.';
    if (status === 410) return 'The consultation is over.';
    if (status === 413 || status === 429 || status === 503) return 'The call could not be set up: every place is taken. Try again shortly.';
    return 'The call could not be set up.';
  },
  clickToHear: 'Click to hear the call',
  soundOnly: 'This server takes sound only: your picture is not sent.',
  quality: { good: 'Good', fair: 'Fair', poor: 'Poor' } as Readonly<Record<Rating, string>>,
  qualityOf: (name: string, rating: string) => `Connection of ${name}: ${rating}`,
  yourConnection: 'Your connection',
  complaint: (c: Complaint): string => {
    switch (c.kind) {
      case 'none':
        return 'Sound and picture come through well.';
      case 'loss':
        return `${Math.round(c.percent)} % of the data is lost: words may be missing.`;
      case 'delay':
        return `Answers take ${c.seconds.toFixed(1)} s longer: leave a pause after speaking.`;
      case 'jitter':
        return 'Data arrives unevenly: sound may stutter.';
      case 'passing':
        return 'It is getting better.';
    }
  },
  figures: { loss: 'Lost', rtt: 'Round trip', jitter: 'Jitter', rate: 'Data rate', unknown: 'not known' },
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
  speaks: 'Speaks',
  hearTranslation: 'Hear translation',
  stopHearing: 'Stop hearing',
  hearInto: 'Hear translations into',
  muteTranslation: 'Mute the translation',
  unmuteTranslation: 'Unmute the translation',
  onlyInCall: 'This browser can play the translation only in the call.',
  message: 'Message',
  send: 'Send',
  notSent: 'Not sent.',
  notChanged: 'Not changed.',
  conversation: 'Conversation',
  log: 'Captions and translations',
  latest: 'Latest',
  fresh: (count: number) => `${count} new`,
  close: 'Close',
  lightTheme: 'Use the light theme',
  darkTheme: 'Use the dark theme',
  allSessions: 'All sessions',
  spokenBy: (voice: string, seconds: string, cut: boolean) =>
    `Spoken by ${voice}, first audio ${seconds} s after the speaker stopped${cut ? '; stopped when somebody else spoke' : ''}`,
  spoken: 'spoken',
  eventTitle: (seq: number) => `event ${seq}`,
  made: { caption: 'caption', speech: 'spoken translation', translation: (language: string) => `translation into ${language}` },
  provenance: {
    of: (what: string) => `Provenance of ${what}`,
    how: (what: string) => `How this ${what} was made`,
    model: 'Model',
    version: 'Version',
    weights: 'Weights SHA-256',
    inputs: (count: number): string => (count === 1 ? 'Input' : 'Inputs'),
    audio: 'audio of this utterance',
    machine: 'Machine output.',
  },
  typeAs: (role: string, language: string) => `Type as ${role.toLowerCase()}${language === '' ? '' : ` in ${language}`}`,
  notDiagnosis: 'Decision support, not diagnosis.',
  machineMade: 'Captions, translations and reports are made by machine and may be wrong.',
  consultation: 'Consultation',
  linkUnknown: 'This invitation is not valid. Ask whoever sent it for a new link.',
  linkExpired: 'This invitation has expired. Ask whoever sent it for a new link.',
  linkOver: 'This consultation is over.',
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
