/** What commands print: results on stdout, everything else on stderr. */
import { once } from 'node:events';

/** Bigints as strings, bytes as base64: the JSON of the command-line contract. */
export function toJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return item.toString();
    return item;
  });
}

/** Writes to stdout, waiting while its reader is slower than we are. */
export async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

export async function printLine(text: string): Promise<void> {
  await print(`${text}\n`);
}

/** A line for the person at the terminal, or several. */
export function tell(text: string): void {
  process.stderr.write(`${printable(text)}\n`);
}

/**
 * `text` with its control characters as `\u001b`, but line feeds and tabs: what comes from a topic or
 * an input must not move the cursor of whoever reads about it, or repaint what a verifier said.
 */
export function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]/gu, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

/** `1 record`, `2 records`. */
export function counted(count: bigint | number, noun: string): string {
  return `${count} ${noun}${BigInt(count) === 1n ? '' : 's'}`;
}
