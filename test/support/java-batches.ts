import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { decodeBatches } from '../../stream/batch/decode.js';
import type { StreamRecord } from '../../stream/stream.js';
import { kafkaClassPath, RESOURCES } from './kafka/jars.js';

/** What a client makes of bytes: its records (how many, and a hash of them all), or why there are none. */
export type Reading =
  | { readonly kind: 'read'; readonly records: string }
  | { readonly kind: 'nothing'; readonly why: string };

/** The batch reader of Kafka's Java client, in a process of its own; see BatchReader.java. */
export class JavaReader {
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #answers: AsyncIterableIterator<string>;
  #stderr = '';

  private constructor(classPath: string) {
    const source = join(RESOURCES, 'BatchReader.java');
    const options = ['-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-Xmx384m', '-Xss1m'];
    const words = [...options, '-cp', classPath, source];
    this.#child = spawn('java', words, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    // What it dies of shows in the answers that are missing.
    this.#child.stdin.on('error', () => {});
  }

  /** Or why this machine has none. */
  static async start(): Promise<JavaReader | { skip: string }> {
    const jars = await kafkaClassPath();
    return 'skip' in jars ? jars : new JavaReader(jars.classPath);
  }

  /** The readings of several inputs, in their order. */
  async read(inputs: readonly Uint8Array[]): Promise<Reading[]> {
    const parts: Uint8Array[] = [];
    for (const input of inputs) parts.push(int(input.length), input);
    this.#child.stdin.write(Buffer.concat(parts));
    const readings: Reading[] = [];
    for (let left = inputs.length; left > 0; left--) {
      const { value, done } = await this.#answers.next();
      if (done === true) throw new Error(`the Java reader ended: ${this.#stderr}`);
      readings.push(readingOf(value));
    }
    return readings;
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const closed = once(this.#child, 'close');
    this.#child.stdin.end();
    await closed;
  }
}

function readingOf(line: string): Reading {
  const [kind, ...words] = line.split(' ');
  if (kind === 'read') return { kind, records: words.join(' ') };
  return { kind: 'nothing', why: line };
}

/** The same by our own decoder. */
export function readOurselves(bytes: Uint8Array): Reading {
  const { batches, partial, error } = decodeBatches(bytes, {
    from: -(2n ** 63n),
    topic: 'audit',
    partition: 0,
  });
  if (error !== null) return { kind: 'nothing', why: error.message };
  if (partial) return { kind: 'nothing', why: 'partial' };
  const parts: Uint8Array[] = [];
  let count = 0;
  for (const batch of batches) {
    count += batch.count;
    for (let index = 0; index < batch.count; index++) parts.push(...partsOf(batch.record(index)));
  }
  const hash = createHash('sha256').update(Buffer.concat(parts)).digest('hex');
  return { kind: 'read', records: `${count} ${hash}` };
}

function partsOf(record: StreamRecord): Uint8Array[] {
  const { offset, timestamp, timestampType, key, value, headers } = record;
  const start = Buffer.alloc(17);
  start.writeBigInt64BE(offset);
  start.writeBigInt64BE(timestamp, 8);
  start.writeInt8(timestampType, 16);
  const rest = headers.flatMap((header) => [...nullable(header.key), ...nullable(header.value)]);
  return [start, ...nullable(key), ...nullable(value), int(headers.length), ...rest];
}

function nullable(bytes: Uint8Array | null): Uint8Array[] {
  return bytes === null ? [int(-1)] : [int(bytes.length), bytes];
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
