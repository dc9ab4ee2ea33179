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

/** A line for the person at the terminal. */
export function tell(text: string): void {
  process.stderr.write(`${text}\n`);
}

/** `1 record`, `2 records`. */
export function counted(count: bigint | number, noun: string): string {
  return `${count} ${noun}${BigInt(count) === 1n ? '' : 's'}`;
}
