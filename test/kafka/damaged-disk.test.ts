import assert from 'node:assert/strict';
import { randomFillSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Report } from '../../consumer/index.js';
import { openMemory } from '../../store/folder.js';
import { LEADER_EPOCH_AT, MAGIC_AT, readBatchHeader } from '../../stream/batch/layout.js';
import { openStream } from '../../stream/open.js';
import { checkMade } from '../support/findings.js';
import { clusterTest } from '../support/kafka.js';
import { MadeLedger } from '../support/made-ledger.js';

const FIRST_SEGMENT = '00000000000000000000.log';
interface Damage {
  readonly title: string;
  readonly of: (bytes: Buffer, at: number) => Buffer;
  /** Only every so many bytes. */
  readonly step: number;
}

const FLIP: Damage = {
  title: 'one bit flipped',
  of: (bytes, at) => {
    const flipped = Buffer.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    return flipped;
  },
  step: 1,
};
const CUT: Damage = { title: 'cut', of: (bytes, at) => bytes.subarray(0, at), step: 1 };
const DAMAGES: readonly Damage[] = [
  FLIP,
  CUT,
  {
    title: 'garbage from here on',
    of: (bytes, at) => Buffer.concat([bytes.subarray(0, at), noise(bytes.length - at)]),
    step: 13,
  },
  {
    title: 'zeros from here on',
    of: (bytes, at) => Buffer.concat([bytes.subarray(0, at), Buffer.alloc(bytes.length - at)]),
    step: 13,
  },
];
/** The checkpoints' segment is larger, and nothing in it is new to the reader of segments. */
const CHECKPOINTS_STEP = 23;
const KILLED_STEP = 5;

function noise(length: number): Buffer {
  return randomFillSync(Buffer.alloc(length));
}

/** The leader's epoch is the one field that neither a CRC nor a seal covers. */
function isEpoch(bytes: Buffer, at: number): boolean {
  for (let start = 0; start < bytes.length; ) {
    const size = readBatchHeader(bytes, start)?.sizeInBytes ?? bytes.length;
    if (at < start + size) return at - start >= LEADER_EPOCH_AT && at - start < MAGIC_AT;
    start += size;
  }
  return false;
}

clusterTest("a stopped broker's disk damaged at every byte", {}, async (cluster, context) => {
  const node = cluster.node(1);
  const live = await openStream(`kafka://${cluster.bootstrap}`);
  const made = await MadeLedger.create(live, { partitions: 1 });
  for (const count of [1, 2, 1]) await made.appendAndSeal(0, count);
  await live.close();
  await node.stop();

  const folder = mkdtempSync(join(tmpdir(), 'sealstream-damage-'));
  const memory = await openMemory(folder, { create: true });
  const check = async () => {
    const disk = await openStream(`file:${node.logDir}`);
    const report = await checkMade(made, disk, { memory, confirmMs: 1, timeoutMs: 1000 });
    await disk.close();
    return report;
  };
  const segmentOf = (topic: string) => join(node.logDir, `${topic}-0`, FIRST_SEGMENT);
  const records = segmentOf(made.topic);
  try {
    assert.equal((await check()).verdict, 'intact');
    for (const damage of DAMAGES) {
      await damageEach(context, records, damage, check);
      const step = damage.step * CHECKPOINTS_STEP;
      await damageEach(context, segmentOf(made.checkpointTopic), { ...damage, step }, check);
    }
    // Without it the broker was killed, and nothing on the disk tells how far the log went.
    rmSync(join(node.logDir, '.kafka_cleanshutdown'));
    assert.equal((await check()).verdict, 'intact');
    for (const damage of [FLIP, CUT]) {
      await damageEach(context, records, { ...damage, step: KILLED_STEP }, check);
    }
  } finally {
    await memory.close();
    rmSync(folder, { recursive: true });
  }
});

/** Ends with the file as it was. */
async function damageEach(
  context: TestContext,
  file: string,
  damage: Damage,
  check: () => Promise<Report>,
): Promise<void> {
  const bytes = readFileSync(file);
  const seen = new Map<string, number>();
  for (let at = 0; at < bytes.length; at += damage.step) {
    const damaged = damage.of(bytes, at);
    if (damaged.equals(bytes)) continue;
    writeFileSync(file, damaged);
    const report = await check();
    const place = `${file}: ${damage.title}, byte ${at}`;
    if (damage.of === FLIP.of && isEpoch(bytes, at)) {
      assert.equal(report.verdict, 'intact', place);
      continue;
    }
    const found = report.partitions.flatMap(({ findings }) => findings);
    assert.notEqual(report.verdict, 'intact', place);
    assert.notEqual(found.length, 0, place);
    const codes = [...new Set(found.map(({ code }) => code))].sort().join(' ');
    seen.set(codes, (seen.get(codes) ?? 0) + 1);
  }
  writeFileSync(file, bytes);
  const counts = [...seen].map(([codes, count]) => `${count} ${codes}`).join(', ');
  context.diagnostic(`${basename(dirname(file))}, ${damage.title}: ${counts}`);
}
