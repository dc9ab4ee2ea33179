import { existsSync, readFileSync } from 'node:fs';
import type { Findings } from './findings.js';
import { type LogRecord, parseBody } from './log-reader.js';
import {
  AckReader,
  acksFile,
  decodeOutcomes,
  endFile,
  type LifeEnd,
  outcomesFile,
  parseEventId,
} from './notes.js';

export interface EventCounts {
  records: number;
  acknowledged: number;
  rejected: number;
  unknown: number;
  /** Unknown outcomes of which the publisher learned, and those that this audit had to resolve. */
  learnedInLog: number;
  learnedAbsent: number;
  auditedInLog: number;
  auditedAbsent: number;
  /** In the log without a noted outcome: under way when their publisher was killed. */
  underWay: number;
}

/** One publisher's life, as its notes and the log tell it. */
class Life {
  readonly number: number;
  /** null: it was killed. */
  readonly end: LifeEnd | null;
  readonly unknown = new Set<number>();
  readonly rejected = new Set<number>();
  /** By sequence; −1: learned to be absent. */
  readonly learned = new Map<number, bigint>();
  /** One bit per sequence: is in the log. */
  #found = new Uint8Array(1024);
  /** By key: the highest sequence in the log so far. */
  readonly #lastOfKey = new Map<string, number>();
  records = 0;
  acknowledged = 0;

  constructor(folder: string, number: number) {
    this.number = number;
    const end = endFile(folder, number);
    this.end = existsSync(end) ? (JSON.parse(readFileSync(end, 'utf8')) as LifeEnd) : null;
    const outcomes = outcomesFile(folder, number);
    if (!existsSync(outcomes)) return;
    for (const { sequence, kind, offset } of decodeOutcomes(readFileSync(outcomes))) {
      if (kind === 'unknown') this.unknown.add(sequence);
      else if (kind === 'rejected') this.rejected.add(sequence);
      else this.learned.set(sequence, kind === 'learned' ? offset : -1n);
    }
  }

  has(sequence: number): boolean {
    return ((this.#found[sequence >>> 3] ?? 0) & (1 << (sequence & 7))) !== 0;
  }

  add(sequence: number): void {
    const at = sequence >>> 3;
    if (at >= this.#found.length) {
      const grown = new Uint8Array(Math.max(at + 1, 2 * this.#found.length));
      grown.set(this.#found);
      this.#found = grown;
    }
    this.#found[at] = (this.#found[at] ?? 0) | (1 << (sequence & 7));
    this.records += 1;
  }

  /** The sequence of this key before, −1 for none; remembers this one. */
  orderOf(key: string, sequence: number): number {
    const before = this.#lastOfKey.get(key) ?? -1;
    this.#lastOfKey.set(key, Math.max(before, sequence));
    return before;
  }
}

/** Holds what publishers noted against the log, partition by partition. */
export class EventAudit {
  readonly #folder: string;
  readonly #findings: Findings;
  readonly #lives: readonly Life[];
  /** By life, of the partition at hand; absent: no acknowledgement is left. */
  #acks = new Map<number, AckReader>();
  readonly counts: EventCounts = {
    records: 0,
    acknowledged: 0,
    rejected: 0,
    unknown: 0,
    learnedInLog: 0,
    learnedAbsent: 0,
    auditedInLog: 0,
    auditedAbsent: 0,
    underWay: 0,
  };

  constructor(folder: string, lives: number, findings: Findings) {
    this.#folder = folder;
    this.#findings = findings;
    this.#lives = Array.from({ length: lives }, (_, number) => new Life(folder, number));
  }

  startPartition(partition: number): void {
    this.#acks = new Map();
    for (const { number } of this.#lives) {
      const file = acksFile(this.#folder, number, partition);
      if (!existsSync(file)) continue;
      const reader = new AckReader(file);
      this.#acks.set(number, reader);
      this.#advance(number, reader, partition);
    }
  }

  append({ partition, offset }: LogRecord, body: Buffer): void {
    this.counts.records += 1;
    const { key, headers } = parseBody(body);
    const place = `partition ${partition} offset ${offset}`;
    const id = parseEventId(headers.get('ce_id')?.toString('latin1') ?? '');
    const life = id === null ? undefined : this.#lives[id.life];
    if (id === null || life === undefined) {
      this.#findings.add('records that nobody published', place);
      return;
    }
    const { sequence } = id;
    const name = `life ${id.life} sequence ${sequence}, ${place}`;
    if (life.end !== null && sequence >= life.end.issued) {
      this.#findings.add('records that nobody published', name);
    }
    this.#hold(life, sequence, offset, partition);
    const before = life.orderOf(key?.toString('latin1') ?? '', sequence);
    if (life.has(sequence)) {
      this.#findings.add("events repeated within a producer's life", name);
      return;
    }
    life.add(sequence);
    if (before > sequence) {
      this.#findings.add('events reordered within their key', `${name}, after ${before}`);
    }
    const learned = life.learned.get(sequence);
    if (learned !== undefined && learned !== offset) {
      this.#findings.add('unknown outcomes resolved wrongly', `${name}, learned ${learned}`);
    }
    if (life.rejected.has(sequence)) this.#findings.add('rejected events in the log', name);
  }

  /** Acknowledgements come by offset, as the log does: one that is passed is not in it. */
  #hold(life: Life, sequence: number, offset: bigint, partition: number): void {
    const reader = this.#acks.get(life.number);
    if (reader === undefined) return;
    while (this.#acks.has(life.number) && reader.offset < offset) {
      this.#lose(life, reader, partition);
      this.#advance(life.number, reader, partition);
    }
    if (!this.#acks.has(life.number) || reader.offset !== offset) return;
    if (reader.sequence !== sequence) this.#lose(life, reader, partition);
    else life.acknowledged += 1;
    this.#advance(life.number, reader, partition);
  }

  #lose({ number }: Life, { offset, sequence }: AckReader, partition: number): void {
    this.#findings.add(
      'acknowledged events lost',
      `life ${number} sequence ${sequence}: not at partition ${partition} offset ${offset}`,
    );
  }

  #advance(life: number, reader: AckReader, partition: number): void {
    const before = reader.offset;
    if (!reader.advance()) {
      reader.close();
      this.#acks.delete(life);
    } else {
      this.counts.acknowledged += 1;
      if (reader.offset <= before) {
        const name = `life ${life} partition ${partition}: offset ${reader.offset} after ${before}`;
        this.#findings.add('acknowledgements out of order', name);
      }
    }
  }

  finishPartition(partition: number): void {
    for (const [number, reader] of [...this.#acks]) {
      const life = this.#lives[number];
      while (life !== undefined && this.#acks.has(number)) {
        this.#lose(life, reader, partition);
        this.#advance(number, reader, partition);
      }
    }
  }

  /** After every partition. */
  finish(): void {
    for (const life of this.#lives) {
      this.#finishOutcomes(life);
      const { end, number } = life;
      const { size: unknown } = life.unknown;
      const outcomes = life.acknowledged + unknown + life.rejected.size;
      if (end !== null && outcomes !== end.issued) {
        const name = `life ${number}: ${end.issued} published, ${outcomes} outcomes`;
        this.#findings.add('lives with events without an outcome', name);
      }
    }
  }

  #finishOutcomes(life: Life): void {
    const { counts } = this;
    let known = life.acknowledged;
    counts.rejected += life.rejected.size;
    counts.unknown += life.unknown.size;
    for (const sequence of life.unknown) {
      const inLog = life.has(sequence);
      if (inLog) known += 1;
      const learned = life.learned.get(sequence);
      const name = `life ${life.number} sequence ${sequence}`;
      if (learned === undefined) counts[inLog ? 'auditedInLog' : 'auditedAbsent'] += 1;
      else counts[learned >= 0n ? 'learnedInLog' : 'learnedAbsent'] += 1;
      // In the log but learned absent is found where the record is.
      if (learned !== undefined && learned >= 0n && !inLog) {
        this.#findings.add('unknown outcomes resolved wrongly', `${name}: not in the log`);
      }
    }
    for (const sequence of life.learned.keys()) {
      if (!life.unknown.has(sequence)) {
        const name = `life ${life.number} sequence ${sequence}: learned of what was not unknown`;
        this.#findings.add('unknown outcomes resolved wrongly', name);
      }
    }
    counts.underWay += life.records - known;
  }
}
