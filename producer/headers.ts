import { SealstreamError } from '../ledger/error.js';
import type { RecordHeader } from '../ledger/records.js';
import { header } from './cloud-event.js';

export type Headers = readonly (readonly [name: string, value: string | Uint8Array | null])[];

const NONE: readonly RecordHeader[] = [];

/** Throws `usage`: two values for one CloudEvents name would mean another event to some reader. */
export function callersHeaders(headers: Headers | undefined): readonly RecordHeader[] {
  if (headers === undefined) return NONE;
  return headers.map(([name, value]) => {
    if (/^(?:ce_.*|content-type|traceparent)$/i.test(name)) {
      throw new SealstreamError(
        'usage',
        `header ${name} is the publisher's own; use the event's fields`,
      );
    }
    return header(name, value);
  });
}
