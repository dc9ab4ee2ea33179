/**
 * Everything that the checkpoint topic says (FORMAT §6). Each record is sorted into: a validly
 * signed checkpoint of this ledger, another ledger's business, or a finding. Nothing that is not
 * signed by the ledger's key is believed.
 */
import { type Checkpoint, openCheckpoint } from '../ledger/checkpoint.js';
import {
  type CheckpointRecord,
  checkpointKey,
  decodeCheckpointRecord,
} from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { PublicKey } from '../ledger/keys.js';
import { LogState } from '../ledger/log.js';
import { type Origin, parseOrigin } from '../ledger/origin.js';
import type { StreamRecord } from '../stream/stream.js';
import { Configurations } from './configurations.js';
import { IN_MEMORY, NO_EVIDENCE, Points } from './points.js';
import { RecordFindings } from './record-findings.js';

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

  add(record: StreamRecord): void {
    const key = readKey(record.key);
    const place = `record ${record.offset} of ${this.#topic}'s checkpoint topic`;
    if (record.value === null) {
      this.#addTombstone(key, place);
      return;
    }
    let decoded: { readonly origin: string; readonly record: CheckpointRecord };
    let origin: Origin;
    try {
      decoded = decodeCheckpointRecord(record);
      origin = parseOrigin(decoded.origin);
    } catch (error) {
      this.#addMalformed(key, record.value, place, error);
      return;
    }
    if (origin.ledger !== this.#ledger) return;
    if (origin.topic !== this.#topic) {
      this.findings.add(
        null,
        'checkpoint-malformed',
        `${place} is about another topic, ${origin.topic}`,
      );
      return;
    }
    this.#addNote(record, key.text, origin, decoded, place);
  }

  #addNote(
    record: StreamRecord,
    key: string | null,
    origin: Origin,
    decoded: { readonly origin: string; readonly record: CheckpointRecord },
    place: string,
  ): void {
    let checkpoint: Checkpoint;
    try {
      checkpoint = openCheckpoint(decoded.record.note, decoded.origin, this.#publicKey);
    } catch (error) {
      this.#addUnopened(origin.partition, place, error);
      return;
    }
    this.opened = true;
    const { partition } = origin;
    if (key !== checkpointKey(decoded.origin, checkpoint.time)) {
      this.findings.add(
        partition,
        'checkpoint-malformed',
        `${place} has another log's or hour's key`,
      );
    }
    let evidence: Signed['evidence'] = decoded.record;
    try {
      LogState.resume(checkpoint, decoded.record.last, decoded.record.frontier);
    } catch (error) {
      // Only what the bytes are is evidence; what this process lacks is not.
      if (!(error instanceof SealstreamError && error.class === 'data')) throw error;
      evidence = null;
      this.findings.add(
        partition,
        'checkpoint-malformed',
        `${place}: its headers do not prove the signed chain and root: ${messageOf(error)}`,
      );
    }
    this.addSigned(
      origin,
      { checkpoint, note: decoded.record.note, evidence },
      evidence === null ? NO_EVIDENCE : record.offset,
      place,
    );
  }

  /** `at` as in Point. What only a memory holds is a point of the log, but never its head. */
  addSigned(origin: Origin, signed: Signed, at: bigint, place: string): void {
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
        `${place} says the log starts at ${checkpoint.first}, an earlier one at ${log.first}`,
      );
    }
    log.points.add(checkpoint, at);
    log.configurations.add(checkpoint);
    if (at !== IN_MEMORY && isAhead(checkpoint, log.head)) log.head = signed;
  }

  #addTombstone(key: RecordKey, place: string): void {
    if (key.origin !== null && key.origin.ledger !== this.#ledger) return;
    const what = key.text === null ? '' : ` of ${JSON.stringify(key.text)}`;
    this.findings.add(
      key.origin?.partition ?? null,
      'checkpoint-erased',
      `${place} erases the checkpoint${what}`,
    );
  }

  #addMalformed(key: RecordKey, value: Uint8Array, place: string, error: unknown): void {
    const message = `${place} is no checkpoint: ${messageOf(error)}`;
    // Junk is another ledger's business only where neither its key nor its first line is ours.
    const prefix = Buffer.from(`${this.#ledger}/`);
    const ours = Buffer.from(value.subarray(0, prefix.length)).equals(prefix);
    if (!ours && key.origin !== null && key.origin.ledger !== this.#ledger) return;
    this.findings.add(key.origin?.partition ?? null, 'checkpoint-malformed', message);
  }

  #addUnopened(partition: number, place: string, error: unknown): void {
    if (!(error instanceof SealstreamError)) throw error;
    switch (error.code) {
      case 'unsigned':
      case 'signature-invalid':
        this.unopened.add(partition, 'checkpoint-unsigned', `${place}: ${error.message}`);
        return;
      case 'unknown-version':
        this.opened = true;
        this.findings.add(partition, 'unknown-version', `${place}: ${error.message}`);
        return;
      case 'malformed':
        this.findings.add(partition, 'checkpoint-malformed', `${place}: ${error.message}`);
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
