/** What the server says in text: read, and refusals put into words. */
import type { Event, StreamNotice } from '@events';

/** `undefined` for what is not JSON. */
export function parseMessage(data: unknown): Event | StreamNotice | undefined {
  if (typeof data !== 'string') return undefined;
  try {
    return JSON.parse(data) as Event | StreamNotice;
  } catch {
    return undefined;
  }
}

/** A refusal in words; refusals name fields, limits and components, never values. */
export function describeRefusal(error: { readonly code: string } & Record<string, unknown>): string {
  const text = (key: string): string => {
    const value = error[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  switch (error.code) {
    case 'unknown_session':
      return 'There is no such session.';
    case 'session_ended':
      return 'The session has ended.';
    case 'not_found':
      return `No such ${text('what')} in this session.`;
    case 'invalid':
      return `${text('field')}: ${text('reason')}.`;
    case 'too_large':
      return `${text('what')} exceeds the limit of ${text('limit')}.`;
    case 'unsupported_media':
      return `${text('media_type')} is not accepted here.`;
    case 'overloaded':
      return `${text('queue')} is full; try again shortly.`;
    case 'unavailable':
      return `${text('component')} is not available.`;
    case 'expired':
      return `The ${text('what')} has expired.`;
    case 'conflict':
      return `The session already has ${text('what')}.`;
    default:
      return 'The server refused.';
  }
}
