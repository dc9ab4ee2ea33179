/**
 * What a publisher notes of its life, to be held against the log: files in one folder, appended to
 * and never rewritten, so that a SIGKILL can only cut off the end. An acknowledgement that is not
 * noted does not count.
 *
 *     life-<life>-<partition>.acks   per acknowledgement: offset u64, sequence u32
 *     life-<life>.outcomes           per other outcome: sequence u32, kind u8, offset i64
 *     life-<life>.end                JSON, when it ended in order
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const ACK_BYTES = 12;
const OUTCOME_BYTES = 13;
const BUFFERED_ACKS = 4096;

/** `learned`, `learned-absent`: what the publisher found out later of an `unknown`. */
const OUTCOMES = ['unknown', 'rejected', 'learned', 'learned-absent'] as const;
export type OutcomeKind = (typeof OUTCOMES)[number];

export interface Outcome {
  readonly sequence: number;
  readonly kind: OutcomeKind;
  /** −1: none. */
  readonly offset: bigint;
}

/** How a life ended that was not cut off. */
export interface LifeEnd {
  /** Sequences 0…issued−1 were published. */
  readonly issued: number;
  readonly acknowledged: number;
}

export const acksFile = (folder: string, life: number, partition: number): string =>
  join(folder, `life-${life}-${partition}.acks`);
export const outcomesFile = (folder: string, life: number): string =>
  join(folder, `life-${life}.outcomes`);
export const endFile = (folder: string, life: number): string => join(folder, `life-${life}.end`);

/** The event id of a publish: tells its life and sequence to whoever reads the log. */
export function eventId(life: number, sequence: number): string {
  const [high, low] = [life, sequence].map((part) => part.toString(16));
  return `${high?.padStart(8, '0')}-0000-8000-8000-${low?.padStart(12, '0')}`;
}

const EVENT_ID = /^([0-9a-f]{8})-0000-8000-8000-([0-9a-f]{12})$/;

/** null: not an id of ours. */
export function parseEventId(id: string): { life: number; sequence: number } | null {
  const [, life, sequence] = EVENT_ID.exec(id) ?? [];
  if (life === undefined || sequence === undefined) return null;
  return { life: Number.parseInt(life, 16), sequence: Number.parseInt(sequence, 16) };
}

/** The acknowledgements of one life and partition, on their way to the file. */
export class AckWriter {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(ACK_BYTES * BUFFERED_ACKS);
  #used = 0;

  constructor(path: string) {
    this.#file = openSync(path, 'a');
  }

  add(offset: bigint, sequence: number): void {
    this.#buffer.writeBigUInt64BE(offset, this.#used);
    this.#buffer.writeUInt32BE(sequence, this.#used + 8);
    this.#used += ACK_BYTES;
    if (this.#used === this.#buffer.length) this.flush();
  }

  flush(): void {
    if (this.#used > 0) writeSync(this.#file, this.#buffer, 0, this.#used);
    this.#used = 0;
  }

  close(): void {
    this.flush();
    closeSync(this.#file);
  }
}

export function encodeOutcome({ sequence, kind, offset }: Outcome): Buffer {
  const bytes = Buffer.alloc(OUTCOME_BYTES);
  bytes.writeUInt32BE(sequence, 0);
  bytes.writeUInt8(OUTCOMES.indexOf(kind), 4);
  bytes.writeBigInt64BE(offset, 5);
  return bytes;
}

export function decodeOutcomes(bytes: Buffer): Outcome[] {
  const outcomes: Outcome[] = [];
  for (let at = 0; at + OUTCOME_BYTES <= bytes.length; at += OUTCOME_BYTES) {
    const kind = OUTCOMES[bytes.readUInt8(at + 4)];
    if (kind === undefined) throw new Error('an outcome of no known kind was noted');
    outcomes.push({ sequence: bytes.readUInt32BE(at), kind, offset: bytes.readBigInt64BE(at + 5) });
  }
  return outcomes;
}

/** Reads acknowledgements in the order in which they were noted, a few thousand at a time. */
export class AckReader {
  readonly #file: number;
  readonly #buffer = Buffer.alloc(ACK_BYTES * BUFFERED_ACKS);
  #at = 0;
  #end = 0;
  /** Of the acknowledgement read last. */
  offset = -1n;
  sequence = -1;

  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  /** false: there is no further one. */
  advance(): boolean {
    if (this.#at + ACK_BYTES > this.#end && !this.#fill()) return false;
    this.offset = this.#buffer.readBigUInt64BE(this.#at);
    this.sequence = this.#buffer.readUInt32BE(this.#at + 8);
    this.#at += ACK_BYTES;
    return true;
  }

  #fill(): boolean {
    this.#buffer.copyWithin(0, this.#at, this.#end);
    this.#end -= this.#at;
    this.#at = 0;
    while (this.#end < ACK_BYTES) {
      const read = readSync(
        this.#file,
        this.#buffer,
        this.#end,
        this.#buffer.length - this.#end,
        null,
      );
      // What is left then was cut off by a kill.
      if (read === 0) return false;
      this.#end += read;
    }
    return true;
  }

  close(): void {
    closeSync(this.#file);
  }
}
