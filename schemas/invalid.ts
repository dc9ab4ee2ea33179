import { SealstreamError } from '../ledger/error.js';

/** An event that cannot be published, the message starting with the field's JSON Pointer. */
export function invalid(path: string, what: string): SealstreamError {
  return new SealstreamError('event-invalid', `${path} ${what}`);
}
