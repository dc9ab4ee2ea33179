import {
  copyOfBytes,
  isBytes,
  isList,
  Looker,
  lengthOfBytes,
  typeName,
  usage,
} from '../ledger/given.js';
import type { RecordHeader } from '../ledger/records.js';
import type { Allowance } from '../schemas/allowance.js';

export type Headers = readonly (readonly [name: string, value: string | Uint8Array | null])[];

const OWN = /^(?:ce_.*|content-type|traceparent)$/i;
const LONE_SURROGATE = /\p{Surrogate}/u;

const looker = new Looker(usage);

/** The headers as bytes of our own, in their order. Throws `usage`, naming the header. */
export function readHeaders(given: unknown, allowance: Allowance): RecordHeader[] {
  if (given === undefined) return [];
  if (!isList(given)) {
    throw usage('headers', `must be an array of [name, value] pairs, not ${typeName(given)}`);
  }
  const headers: RecordHeader[] = [];
  const length = looker.length(given, 'headers');
  for (let at = 0; at < length; at++) {
    const where = `headers/${at}`;
    // Two lengths at least.
    allowance.spend(2, where);
    const pair = looker.field(given, at, where);
    if (!isList(pair) || looker.length(pair, where) !== 2) {
      throw usage(where, 'must be a pair: an array of a name and a value');
    }
    const name = looker.field(pair, 0, where);
    if (typeof name !== 'string')
      throw usage(`${where}: the name`, `must be text, not ${typeName(name)}`);
    const key = readText(name, `${where}: the name`, allowance);
    headers.push({ key, value: readBytes(looker.field(pair, 1, where), where, allowance) });
  }
  return headers;
}

/** Two values for one CloudEvents name would mean another event to some reader. Throws `usage`. */
export function refuseOwn(headers: readonly RecordHeader[]): void {
  for (const { key } of headers) {
    const name = Buffer.from(key).toString();
    if (OWN.test(name)) {
      throw usage(`header ${name}`, "is the publisher's own; use the event's fields");
    }
  }
}

/** Text, bytes or null as bytes of our own. Throws `usage`. */
export function readBytes(value: unknown, where: string, allowance: Allowance): Uint8Array | null {
  if (value === null) return null;
  if (typeof value === 'string') return readText(value, where, allowance);
  if (!isBytes(value)) {
    throw usage(where, `must be text, bytes (Uint8Array) or null, not ${typeName(value)}`);
  }
  allowance.spend(lengthOfBytes(value), where);
  const copy = copyOfBytes(value);
  if (copy === null) throw usage(where, 'is of a buffer that was given away (detached)');
  return copy;
}

function readText(value: string, where: string, allowance: Allowance): Uint8Array {
  allowance.spend(value.length, where);
  if (LONE_SURROGATE.test(value)) {
    throw usage(where, 'has half a surrogate pair: no Unicode text');
  }
  return Buffer.from(value);
}
