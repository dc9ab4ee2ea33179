import { SealstreamError } from '../ledger/error.js';

/** An event that cannot be published, the message starting with the field's JSON Pointer. */
export function invalid(path: string, what: string, cause?: unknown): SealstreamError {
  const place = path === '' ? 'the event' : path;
  return new SealstreamError(
    'event-invalid',
    `${place} ${what}`,
    cause === undefined ? {} : { cause },
  );
}
