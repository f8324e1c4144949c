// @vitest-environment happy-dom
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalMedia } from '../call/local-media';
import type { Identity } from '../call/peers';
import { present } from '../testing/fixture';
import { PreJoin } from './prejoin';
import { initials, roleName, wordsFor } from './words';

let joined: Identity[];

function preJoin(language = 'en'): PreJoin {
  const made = new PreJoin(new LocalMedia({}, () => undefined, () => undefined), wordsFor(language), (me) => joined.push(me));
  document.body.replaceChildren(made.element);
  return made;
}

const join = (): HTMLButtonElement => present(document.querySelector<HTMLButtonElement>('[data-testid="join-now"]'));
const language = (): HTMLSelectElement => present(document.querySelector<HTMLSelectElement>('[data-testid="my-language"]'));

beforeEach(() => {
  localStorage.clear();
  joined = [];
});

describe('before joining', () => {
  it('waits for the languages of the session', () => {
    const page = preJoin();
    expect(join().disabled).toBe(true);
    page.setLanguages(['pt', 'en']);
    expect(join().disabled).toBe(false);
  });

  it('gives the patient the first language of the session, the clinician the second', () => {
    const page = preJoin();
    page.setLanguages(['pt', 'en']);
    expect(page.identity).toEqual({ participant: 'clinician', language: 'en' });
    localStorage.setItem('healthsync.role', 'patient');
    const again = preJoin();
    again.setLanguages(['pt', 'en']);
    expect(again.identity).toEqual({ participant: 'patient', language: 'pt' });
  });

  it('offers to find the language out from speech', () => {
    const page = preJoin();
    page.setLanguages(['pt', 'en']);
    expect([...language().options].map((o) => o.value)).toEqual(['pt', 'en', 'und']);
    language().value = 'und';
    expect(page.identity.language).toBe('und');
  });

  it('holds whom an invitation is for to it', () => {
    localStorage.setItem('healthsync.role', 'clinician');
    const page = preJoin('pt');
    page.fix({ participant: 'relative', language: 'pt-BR' });
    page.setLanguages(['pt', 'en']);
    expect(page.identity).toEqual({ participant: 'relative', language: 'pt' });
    expect(document.querySelector<HTMLElement>('.segmented')?.hidden).toBe(true);
    page.fix({ participant: 'relative', language: 'und' });
    expect(page.identity.language).toBe('und');
  });
});

describe('the words of the call', () => {
  it('are there in the reader’s language, English where there is none', () => {
    expect(wordsFor('pt-BR').leave).toBe('Sair');
    expect(wordsFor('fi').leave).toBe('Leave');
    const [en, pt] = [wordsFor('en'), wordsFor('pt')];
    const same = Object.entries(en).filter(([key, value]) => typeof value === 'string' && value === (pt as Record<string, unknown>)[key]);
    expect(same.map(([key]) => key)).toEqual(['original']);
  });

  it('name anybody', () => {
    expect(roleName(wordsFor('pt'), 'patient')).toBe('Paciente');
    expect(roleName(wordsFor('en'), 'patient-sister_2')).toBe('Patient sister 2');
    expect([initials('Patient'), initials('Maria da Silva'), initials('')]).toEqual(['P', 'MS', '']);
  });
});
