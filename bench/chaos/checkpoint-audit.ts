import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Findings } from './findings.js';
import { type LogRecord, parseBody, readLog } from './log-reader.js';
import { Recomputed } from './recompute.js';

/** What one signed note says; see FORMAT §5. */
export interface Signed {
  readonly origin: string;
  readonly partition: number;
  readonly size: number;
  readonly root: string;
  readonly next: bigint;
  readonly chain: string;
  readonly time: string;
}

const SIGNATURE = /^— (\S+) (\S+)$/;
const KEY_ID_BYTES = 4;

/** Every note on the checkpoint topic, opened, by partition and size. */
export async function readCheckpoints(
  bootstrap: string,
  topic: string,
  publicKeyFile: string,
  findings: Findings,
): Promise<{ readonly count: number; readonly byPartition: ReadonlyMap<number, Signed[]> }> {
  const key = createPublicKey(readFileSync(publicKeyFile));
  const byPartition = new Map<number, Signed[]>();
  const seen = new Set<string>();
  let count = 0;
  for await (const { offset, body } of readLog(bootstrap, topic, 1)) {
    if (body === null) continue;
    count += 1;
    const note = parseBody(body).value?.toString('utf8') ?? '';
    // A note is published again where it was not known whether it had been.
    if (seen.has(note)) continue;
    seen.add(note);
    const signed = openSigned(note, key);
    if (signed === null) {
      findings.add('checkpoints that do not open', `${topic} offset ${offset}`);
      continue;
    }
    const known = byPartition.get(signed.partition);
    if (known === undefined) byPartition.set(signed.partition, [signed]);
    else known.push(signed);
  }
  for (const all of byPartition.values()) {
    all.sort((a, b) => a.size - b.size || (a.time < b.time ? -1 : 1));
  }
  return { count, byPartition };
}

/** null: it is not signed by this key, or no checkpoint. */
export function openSigned(note: string, key: KeyObject): Signed | null {
  const split = note.indexOf('\n\n');
  const text = note.slice(0, split + 1);
  const lines = text.split('\n');
  const [origin, size, root, version] = lines;
  if (split < 0 || origin === undefined || size === undefined || root === undefined) return null;
  if (version !== 'sealstream/v1') return null;
  const isSigned = note
    .slice(split + 2)
    .split('\n')
    .some((line) => {
      const [, name, encoded] = SIGNATURE.exec(line) ?? [];
      if (name !== origin || encoded === undefined) return false;
      const signature = Buffer.from(encoded, 'base64').subarray(KEY_ID_BYTES);
      return verify(null, Buffer.from(text), key, signature);
    });
  if (!isSigned) return null;
  const line = (name: string): string =>
    lines.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1) ?? '';
  return {
    origin,
    partition: Number(origin.split('/').at(-1)),
    size: Number(size),
    root,
    next: BigInt(line('next')),
    chain: line('chain'),
    time: line('time'),
  };
}

/** Holds the checkpoints of one partition against its records, as they come. */
export class CheckpointAudit {
  readonly #partition: number;
  readonly #checkpoints: readonly Signed[];
  readonly #findings: Findings;
  readonly #log: Recomputed | null;
  #at = 0;
  #last = -1n;
  #time = '';
  /** Checkpoints that were found right. */
  right = 0;

  constructor(partition: number, checkpoints: readonly Signed[], findings: Findings) {
    this.#partition = partition;
    this.#checkpoints = checkpoints;
    this.#findings = findings;
    const origins = new Set(checkpoints.map(({ origin }) => origin));
    const [origin] = origins;
    for (const other of [...origins].slice(1)) {
      findings.add('checkpoints of another log', `${other}, beside ${origin}`);
    }
    this.#log = origin === undefined ? null : new Recomputed(origin);
    this.#compare();
  }

  append(record: LogRecord, body: Uint8Array): void {
    if (this.#log === null) return;
    this.#compareNext(record.offset);
    this.#log.append(record, body);
    this.#last = record.offset;
    this.#compare();
  }

  /** After the last record: what is signed must end here, no earlier and no later. */
  finish(end: bigint): void {
    const place = `partition ${this.#partition}`;
    const head = this.#checkpoints.at(-1);
    if (head === undefined) {
      this.#findings.add('partitions not sealed to their end', `${place}: no checkpoint`);
      return;
    }
    if (head.next < end || head.size !== this.#log?.size) {
      const sealed = `sealed to ${head.next} with ${head.size} records`;
      this.#findings.add(
        'partitions not sealed to their end',
        `${place}: ${sealed}, it ends at ${end} with ${this.#log?.size}`,
      );
    }
    if (this.#at < this.#checkpoints.length) {
      const missing = this.#checkpoints[this.#at];
      this.#findings.add(
        'checkpoints that are wrong',
        `${place}: size ${missing?.size}, the log has ${this.#log?.size} records`,
      );
    }
  }

  /** Those of the size reached so far. */
  #compare(): void {
    const log = this.#log;
    for (
      let next = this.#checkpoints[this.#at];
      log !== null && next?.size === log.size;
      next = this.#checkpoints[++this.#at]
    ) {
      const isRight = next.chain === log.chain && next.root === log.root && next.next > this.#last;
      if (isRight) this.right += 1;
      else this.#wrong(next, 'chain, root or next differ');
      if (next.time < this.#time) this.#wrong(next, `signed at ${next.time}, before ${this.#time}`);
      this.#time = next.time;
    }
  }

  /** A checkpoint of the size before this record must not cover its offset. */
  #compareNext(offset: bigint): void {
    for (let at = this.#at - 1; at >= 0; at -= 1) {
      const past = this.#checkpoints[at];
      if (past?.size !== this.#log?.size) return;
      if (past !== undefined && past.next > offset) {
        this.#wrong(past, `covers offset ${offset} without its record`);
      }
    }
  }

  #wrong({ size, next }: Signed, what: string): void {
    this.#findings.add(
      'checkpoints that are wrong',
      `partition ${this.#partition}, size ${size}, next ${next}: ${what}`,
    );
  }
}
