/**
 * One text for one configuration, however its file is laid out: what is recorded, sealed and
 * compared. Comments, order of fields, quoting and defaults left out make no difference.
 */
import { createHash } from 'node:crypto';
import type { Configuration } from './configuration.js';

/**
 * JSON as RFC 8785 writes it: no spaces, fields sorted by UTF-16 units. Of a configuration as it was
 * written: paths not made absolute, secrets still references. Durations are milliseconds.
 */
export function canonicalText(configuration: Configuration): string {
  return canonicalJson(configuration);
}

/** 44 characters: the base64 of the text's SHA-256. */
export function configurationHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('base64');
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(',')}}`;
}
