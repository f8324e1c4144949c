/** Choices that outlive a reload. Nothing about a patient is kept here. */
export type Role = 'clinician' | 'patient';

export function loadRole(): Role {
  return read('role') === 'patient' ? 'patient' : 'clinician';
}

export function saveRole(role: Role): void {
  write('role', role);
}

export type Theme = 'light' | 'dark';

export function chosenTheme(): Theme | undefined {
  const theme = read('theme');
  return theme === 'light' || theme === 'dark' ? theme : undefined;
}

export function saveTheme(theme: Theme): void {
  write('theme', theme);
}

/** Storage may be forbidden: then choices last as long as the page. */
function read(key: string): string | null {
  try {
    return localStorage.getItem(`healthsync.${key}`);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(`healthsync.${key}`, value);
  } catch {
    // See above.
  }
}
