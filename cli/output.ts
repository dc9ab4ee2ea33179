/**
 * What commands print: results on stdout, everything else on stderr. This is the one place that writes,
 * and nothing that comes from elsewhere acts on a terminal: see `revealed`.
 */
import { once } from 'node:events';
import { printable } from '../ledger/text.js';
import { revealed } from './paint.js';

export { printable };

/** Bigints as strings, bytes as base64: the JSON of the command-line contract. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return item.toString();
    return item;
  });
}

/**
 * Writes to stdout, waiting while its reader is slower than we are. JSON stays the same JSON: what is
 * escaped can only stand in its strings, and is escaped as they do it.
 */
export async function print(text: string): Promise<void> {
  if (!write(process.stdout, text)) await once(process.stdout, 'drain');
}

export async function printLine(text: string): Promise<void> {
  await print(`${text}\n`);
}

/** A line for the person at the terminal, or several. */
export function tell(text: string): void {
  write(process.stderr, `${text}\n`);
}

/** false: its reader is slower than we are. */
export function write(stream: NodeJS.WriteStream, text: string): boolean {
  return stream.write(revealed(text, stream));
}

/** `1 record`, `2 records`. */
export function counted(count: bigint | number, noun: string): string {
  return `${count} ${noun}${BigInt(count) === 1n ? '' : 's'}`;
}
