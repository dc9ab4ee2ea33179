/**
 * Everything that the checkpoint topic says (FORMAT §6). Each record is sorted into: a validly
 * signed checkpoint of this ledger, another ledger's business, or a finding. Nothing that is not
 * signed by the ledger's key is believed.
 */
import {
  type Checkpoint,
  type UncheckedCheckpoint,
  uncheckedCheckpoint,
} from '../ledger/checkpoint.js';
import {
  type CheckpointRecord,
  checkpointKey,
  readCheckpointRecord,
} from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { checkEvidence } from '../ledger/log.js';
import { type Origin, parseOrigin } from '../ledger/origin.js';
import type { SignedMessage } from '../stream/signature-checks.js';
import type { StreamRecord } from '../stream/stream.js';
import { Configurations } from './configurations.js';
import { RecordFindings } from './record-findings.js';
import { IN_MEMORY, NO_EVIDENCE, Points } from './signed-checkpoints.js';

/** A validly signed checkpoint with what its record carried; null: headers that prove nothing. */
export interface Signed {
  readonly checkpoint: Checkpoint;
  readonly note: string;
  readonly evidence: { readonly last: Uint8Array; readonly frontier: Uint8Array } | null;
}

/** One origin: one life of one topic partition. */
export interface LogHistory {
  readonly origin: Origin;
  readonly first: bigint;
  readonly points: Points;
  readonly configurations: Configurations;
  /** The validly signed checkpoint with the largest (size, time). */
  head: Signed | null;
}

/** A record whose signatures, if it has any, are still to be checked. */
export interface ReadRecord {
  readonly signed: SignedMessage | null;
  /** Adds what it says; `valid`: the signatures hold. */
  readonly apply: (valid: boolean) => void;
}

const NOTHING: ReadRecord = { signed: null, apply: () => {} };
const LONGEST_KEY = 512;

export class History {
  readonly logs = new Map<string, LogHistory>();
  /**
   * The largest `partitions` of any valid checkpoint (FORMAT §5), of an earlier life of the topic too:
   * made again with fewer, it would hide what was sealed in the others. 0: none.
   */
  partitions = 0;
  readonly findings = new RecordFindings();
  /** Notes that do not open: with no other note, the key is wrong; else they are forged. */
  readonly unopened = new RecordFindings();
  /** Some note was signed by the key. */
  opened = false;

  readonly #ledger: string;
  readonly #topic: string;
  readonly #publicKey: PublicKey;

  constructor(ledger: string, topic: string, publicKey: PublicKey) {
    this.#ledger = ledger;
    this.#topic = topic;
    this.#publicKey = publicKey;
  }

  /** The same with nothing in it. */
  anew(): History {
    return new History(this.#ledger, this.#topic, this.#publicKey);
  }

  /**
   * What a record of the topic is, as far as it shows without a look at its signatures. Records are
   * to be applied in the order of the topic; nothing of their bytes is kept.
   */
  read(record: StreamRecord): ReadRecord {
    const key = readKey(record.key);
    const { offset } = record;
    // Only what is wrong with a record is told: a million of them are not.
    const place = (): string => `record ${offset} of ${this.#topic}'s checkpoint topic`;
    if (record.value === null) return unsigned(() => this.#addTombstone(key, place));
    let read: ReturnType<typeof readCheckpointRecord>;
    let origin: Origin;
    try {
      read = readCheckpointRecord(record);
      origin = parseOrigin(read.decoded.origin);
    } catch (error) {
      const isOurs = this.#isOurs(key, record.value);
      return unsigned(() => this.#addMalformed(key, isOurs, place, error));
    }
    if (origin.ledger !== this.#ledger) return NOTHING;
    if (origin.topic !== this.#topic) {
      const message = `${place()} is about another topic, ${origin.topic}`;
      return unsigned(() => this.findings.add(null, 'checkpoint-malformed', message));
    }
    const { decoded, note } = read;
    let unchecked: UncheckedCheckpoint;
    try {
      unchecked = uncheckedCheckpoint(note, decoded.origin, this.#publicKey);
    } catch (error) {
      return unsigned(() => this.#addUnopened(origin.partition, place, error));
    }
    return {
      signed: unchecked,
      apply: (valid) => {
        let checkpoint: Checkpoint;
        try {
          checkpoint = unchecked.open(valid);
        } catch (error) {
          this.#addUnopened(origin.partition, place, error);
          return;
        }
        this.#addOpened(checkpoint, key.text, origin, decoded.record, offset, place);
      },
    };
  }

  #addOpened(
    checkpoint: Checkpoint,
    key: string | null,
    origin: Origin,
    { note, last, frontier }: CheckpointRecord,
    offset: bigint,
    place: () => string,
  ): void {
    this.opened = true;
    const { partition } = origin;
    if (key !== checkpointKey(checkpoint.origin, checkpoint.time)) {
      this.findings.add(
        partition,
        'checkpoint-malformed',
        `${place()} has another log's or hour's key`,
      );
    }
    let evidence: Signed['evidence'] = { last, frontier };
    try {
      checkEvidence(checkpoint, last, frontier);
    } catch (error) {
      // Only what the bytes are is evidence; what this process lacks is not.
      if (!(error instanceof SealstreamError && error.class === 'data')) throw error;
      evidence = null;
      this.findings.add(
        partition,
        'checkpoint-malformed',
        `${place()}: its headers do not prove the signed chain and root: ${messageOf(error)}`,
      );
    }
    const signed = { checkpoint, note, evidence };
    this.addSigned(origin, signed, evidence === null ? NO_EVIDENCE : offset, place);
  }

  /** `at` as in Point. What only a memory holds is a point of the log, but never its head. */
  addSigned(origin: Origin, signed: Signed, at: bigint, place: () => string): void {
    const { checkpoint } = signed;
    this.partitions = Math.max(this.partitions, checkpoint.partitions);
    let log = this.logs.get(checkpoint.origin);
    if (log === undefined) {
      const { first } = checkpoint;
      const configurations = new Configurations();
      log = { origin, first, points: new Points(), configurations, head: null };
      this.logs.set(checkpoint.origin, log);
    } else if (log.first !== checkpoint.first) {
      this.findings.add(
        origin.partition,
        'checkpoint-conflict',
        `${place()} says the log starts at ${checkpoint.first}, an earlier one at ${log.first}`,
      );
    }
    log.points.add(checkpoint, at);
    log.configurations.add(checkpoint);
    if (at !== IN_MEMORY && isAhead(checkpoint, log.head)) log.head = signed;
  }

  #addTombstone(key: RecordKey, place: () => string): void {
    if (key.origin !== null && key.origin.ledger !== this.#ledger) return;
    const what = key.text === null ? '' : ` of ${JSON.stringify(key.text)}`;
    this.findings.add(
      key.origin?.partition ?? null,
      'checkpoint-erased',
      `${place()} erases the checkpoint${what}`,
    );
  }

  #addMalformed(key: RecordKey, isOurs: boolean, place: () => string, error: unknown): void {
    const message = `${place()} is no checkpoint: ${messageOf(error)}`;
    if (isOurs) this.findings.add(key.origin?.partition ?? null, 'checkpoint-malformed', message);
  }

  /** Junk is another ledger's business only where neither its key nor its first line is ours. */
  #isOurs(key: RecordKey, value: Uint8Array): boolean {
    if (key.origin === null || key.origin.ledger === this.#ledger) return true;
    const prefix = Buffer.from(`${this.#ledger}/`);
    return Buffer.from(value.subarray(0, prefix.length)).equals(prefix);
  }

  #addUnopened(partition: number, place: () => string, error: unknown): void {
    if (!(error instanceof SealstreamError)) throw error;
    switch (error.code) {
      case 'unsigned':
      case 'signature-invalid':
        this.unopened.add(partition, 'checkpoint-unsigned', `${place()}: ${error.message}`);
        return;
      case 'unknown-version':
        this.opened = true;
        this.findings.add(partition, 'unknown-version', `${place()}: ${error.message}`);
        return;
      case 'malformed':
        this.findings.add(partition, 'checkpoint-malformed', `${place()}: ${error.message}`);
        return;
      default:
        throw error;
    }
  }
}

function isAhead(checkpoint: Checkpoint, head: Signed | null): boolean {
  if (head === null) return true;
  const { size, time } = head.checkpoint;
  return checkpoint.size > size || (checkpoint.size === size && checkpoint.time > time);
}

function unsigned(apply: () => void): ReadRecord {
  return { signed: null, apply };
}

interface RecordKey {
  readonly text: string | null;
  readonly origin: Origin | null;
}

/** The key's text and the origin before its last `@`, as far as they can be told. */
function readKey(key: Uint8Array | null): RecordKey {
  if (key === null || key.length > LONGEST_KEY) return { text: null, origin: null };
  const text = Buffer.from(key).toString('latin1');
  try {
    return { text, origin: parseOrigin(text.slice(0, Math.max(0, text.lastIndexOf('@')))) };
  } catch (error) {
    if (error instanceof SealstreamError) return { text, origin: null };
    throw error;
  }
}

function messageOf(error: unknown): string {
  if (error instanceof SealstreamError) return error.message;
  throw error;
}
