/** Where a session is shown. */
export function sessionHref(session: string): string {
  return `/?session=${encodeURIComponent(session)}`;
}
