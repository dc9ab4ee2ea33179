import type { AuditEvent } from './generated.js';

/** The text or bytes that takes most room in an event: what to name when it is too large. */
export function largestField(event: AuditEvent): { readonly path: string; readonly bytes: number } {
  let largest = { path: '', bytes: -1 };
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'string' || value instanceof Uint8Array) {
      const bytes = Buffer.byteLength(value);
      if (bytes > largest.bytes) largest = { path, bytes };
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, item] of Object.entries(value)) {
        visit(item, `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`);
      }
    }
  };
  visit(event, '');
  return largest;
}
