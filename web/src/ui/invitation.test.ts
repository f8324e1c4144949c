// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { present } from '../testing/fixture';
import { openInvitation } from './invitation';

let answers: (() => Promise<Response>)[];
let root: HTMLElement;

const problem = (status: number, code: string) => (): Promise<Response> => Promise.resolve(Response.json({ code, message: 'no' }, { status }));

async function open(): Promise<{ text: string; retry: HTMLButtonElement | null }> {
  openInvitation(root, 'token');
  const refused = await vi.waitUntil(() => root.querySelector('.refusal'));
  return { text: refused.querySelector('p')?.textContent ?? '', retry: refused.querySelector('button') };
}

beforeEach(() => {
  root = document.createElement('div');
  document.body.replaceChildren(root);
  answers = [];
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => undefined }));
  vi.stubGlobal('fetch', () => present(answers.shift())());
  vi.stubGlobal('navigator', { language: 'pt-BR' });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it('says in the reader’s language that an invitation is unknown, with nothing to try again', async () => {
  answers = [problem(404, 'not_found')];
  const { text, retry } = await open();
  expect([text, retry]).toEqual(['Este convite não é válido. Peça um novo link a quem o enviou.', null]);
  expect(document.documentElement.lang).toBe('pt');
});

it('tells an invitation that has expired from a consultation that is over', async () => {
  answers = [problem(410, 'expired'), problem(410, 'session_ended')];
  expect((await open()).text).toContain('expirou');
  expect((await open()).text).toBe('Esta consulta já terminou.');
});

it('tries again when the server was away', async () => {
  const invited = { session: 's', participant: 'patient', language: 'pt', languages: ['pt', 'en'], expires_at: '2026-11-24T10:00:00Z' };
  answers = [() => Promise.reject(new TypeError('offline')), () => Promise.resolve(Response.json(invited))];
  const { text, retry } = await open();
  expect(text).toBe('Não foi possível abrir o convite.');
  present(retry).click();
  const as = await vi.waitUntil(() => root.querySelector('[data-testid="invited-as"]'));
  expect(as.textContent).toBe('Convite para entrar como Paciente');
});
