import assert from 'node:assert/strict';
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EventAudit } from '../../../bench/chaos/event-audit.js';
import { Findings } from '../../../bench/chaos/findings.js';
import type { LogRecord } from '../../../bench/chaos/log-reader.js';
import {
  AckWriter,
  acksFile,
  encodeOutcome,
  endFile,
  eventId,
  type OutcomeKind,
  outcomesFile,
} from '../../../bench/chaos/notes.js';
import { encodeBody } from '../../../ledger/body.js';

const LOST = 'acknowledged events lost';
const REPEATED = "events repeated within a producer's life";
const REORDERED = 'events reordered within their key';
const REJECTED = 'rejected events in the log';
const FOREIGN = 'records that nobody published';
const DISORDER = 'acknowledgements out of order';
const WITHOUT = 'lives with events without an outcome';
const WRONG = 'unknown outcomes resolved wrongly';
const NAMES = [LOST, REPEATED, REORDERED, REJECTED, FOREIGN, DISORDER, WITHOUT, WRONG];

interface Told {
  /** [offset, sequence] as they were noted, of life 0 and partition 0. */
  readonly acks: readonly (readonly [number, number])[];
  readonly outcomes?: readonly (readonly [number, OutcomeKind, number])[];
  /** What the log has from offset 0 on: sequences of life 0, null for a record of somebody else. */
  readonly log: readonly (number | null)[];
  /** How many were published; null: the publisher was killed. */
  readonly issued: number | null;
}

function body(sequence: number | null): Buffer {
  const id = sequence === null ? 'of somebody else' : eventId(0, sequence);
  const headers = [{ key: Buffer.from('ce_id'), value: Buffer.from(id) }];
  // Two keys: even and odd sequences.
  const key = Buffer.from(`key-${(sequence ?? 0) % 2}`);
  return Buffer.from(encodeBody({ key, value: Buffer.from('event'), headers }));
}

function auditOf({ acks, outcomes = [], log, issued }: Told) {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-chaos-test-'));
  try {
    const writer = new AckWriter(acksFile(folder, 0, 0));
    for (const [offset, sequence] of acks) writer.add(BigInt(offset), sequence);
    writer.close();
    // A kill may cut the last one off.
    if (issued === null) appendFileSync(acksFile(folder, 0, 0), Buffer.alloc(5));
    const noted = outcomes.map(([sequence, kind, offset]) =>
      encodeOutcome({ sequence, kind, offset: BigInt(offset) }),
    );
    writeFileSync(outcomesFile(folder, 0), Buffer.concat(noted));
    if (issued !== null) {
      writeFileSync(endFile(folder, 0), JSON.stringify({ issued, acknowledged: acks.length }));
    }
    const findings = new Findings(NAMES);
    const audit = new EventAudit(folder, 1, findings);
    audit.startPartition(0);
    log.forEach((sequence, at) => {
      const bytes = body(sequence);
      const record: LogRecord = {
        partition: 0,
        offset: BigInt(at),
        timestamp: 0n,
        timestampType: 1,
        body: bytes,
      };
      audit.append(record, bytes);
    });
    audit.finishPartition(0);
    audit.finish();
    const found = findings.entries
      .filter(([, { count }]) => count > 0)
      .map(([name, { count }]) => [name, count]);
    return { found: Object.fromEntries(found), counts: audit.counts };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ACKS = [
  [0, 0],
  [1, 1],
  [2, 2],
] as const;

test('a log that has what was acknowledged', () => {
  const { found, counts } = auditOf({ acks: ACKS, log: [0, 1, 2], issued: 3 });
  assert.deepEqual(found, {});
  assert.deepEqual([counts.records, counts.acknowledged, counts.underWay], [3, 3, 0]);
});

test('a publisher that was killed: what it did not note may be in the log', () => {
  const { found, counts } = auditOf({ acks: ACKS, log: [0, 1, 2, 4, 3], issued: null });
  assert.deepEqual(found, {});
  assert.equal(counts.underWay, 2);
});

test('unknown outcomes, learned and not, in the log and not', () => {
  const { found, counts } = auditOf({
    acks: [[2, 4]],
    outcomes: [
      [0, 'unknown', -1],
      [1, 'unknown', -1],
      [2, 'unknown', -1],
      [3, 'unknown', -1],
      [0, 'learned', 0],
      [1, 'learned-absent', -1],
    ],
    log: [0, 2, 4],
    issued: 5,
  });
  assert.deepEqual(found, {});
  const { unknown, learnedInLog, learnedAbsent, auditedInLog, auditedAbsent, underWay } = counts;
  assert.deepEqual([unknown, learnedInLog, learnedAbsent], [4, 1, 1]);
  assert.deepEqual([auditedInLog, auditedAbsent, underWay], [1, 1, 0]);
});

const WRONGS: readonly (readonly [string, Told, Record<string, number>])[] = [
  ['the last acknowledged event is gone', { acks: ACKS, log: [0, 1], issued: null }, { [LOST]: 1 }],
  [
    'one in the middle is another event',
    { acks: ACKS, log: [0, null, 2], issued: null },
    { [LOST]: 1, [FOREIGN]: 1 },
  ],
  ['it is at another offset', { acks: [[0, 1]], log: [0, 1], issued: null }, { [LOST]: 1 }],
  ['all is gone', { acks: ACKS, log: [], issued: null }, { [LOST]: 3 }],
  ['a repeat', { acks: ACKS, log: [0, 1, 2, 1], issued: null }, { [REPEATED]: 1 }],
  ['two of a key changed places', { acks: [], log: [2, 1, 0], issued: null }, { [REORDERED]: 1 }],
  [
    'a rejected event is there',
    { acks: ACKS, outcomes: [[3, 'rejected', -1]], log: [0, 1, 2, 3], issued: 4 },
    { [REJECTED]: 1 },
  ],
  [
    'one that was never published is there',
    { acks: ACKS, log: [0, 1, 2, 3], issued: 3 },
    { [FOREIGN]: 1 },
  ],
  [
    'an offset was acknowledged twice',
    {
      acks: [
        [0, 0],
        [0, 1],
      ],
      log: [0, 1],
      issued: null,
    },
    { [DISORDER]: 1, [LOST]: 1 },
  ],
  ['an event without an outcome', { acks: ACKS, log: [0, 1, 2], issued: 4 }, { [WITHOUT]: 1 }],
  [
    'learned absent, and it is there',
    {
      acks: [],
      outcomes: [
        [0, 'unknown', -1],
        [0, 'learned-absent', -1],
      ],
      log: [0],
      issued: 1,
    },
    { [WRONG]: 1 },
  ],
  [
    'learned to be there, and it is not',
    {
      acks: [],
      outcomes: [
        [0, 'unknown', -1],
        [0, 'learned', 0],
      ],
      log: [],
      issued: 1,
    },
    { [WRONG]: 1 },
  ],
  [
    'learned of an acknowledged one',
    { acks: [[0, 0]], outcomes: [[0, 'learned', 0]], log: [0], issued: 1 },
    { [WRONG]: 1 },
  ],
];

for (const [name, told, expected] of WRONGS) {
  test(`found: ${name}`, () => assert.deepEqual(auditOf(told).found, expected));
}
