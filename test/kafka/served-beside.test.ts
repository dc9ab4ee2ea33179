import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { Random } from '../../bench/chaos/random.js';
import { VerifyPool } from '../../cli/workers/verify-pool.js';
import { NotVerified, prove, replay, type VerifyOptions, verify } from '../../consumer/index.js';
import { publicKeyToPem } from '../../ledger/keys.js';
import { openMemory } from '../../store/folder.js';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { keyOf, recordOf } from '../support/accepted.js';
import { type BesideCase, type Forgery, forge, makeCase, SPOTS } from '../support/beside.js';
import { Desk } from '../support/cli.js';
import { partition, proveOptions, verifyOptions } from '../support/findings.js';
import { storedBatches, stretch } from '../support/forgery.js';
import { kafkaClassPath } from '../support/kafka/jars.js';
import { type KafkaCluster, skipOrFail, startCluster } from '../support/kafka.js';
import type { Sealed } from '../support/made-ledger.js';

/** Of the whole run, which docs/reliability.md tells of, it is 200. */
const SEEDS = Number(process.env['SEALSTREAM_SEEDS'] ?? 40);
const run = promisify(execFile);

/** A case whose log was forged. */
interface Forged extends BesideCase, Forgery {
  readonly seed: number;
}

/** The newest checkpoint of before the forged copy; many a log has none. */
function acceptedOf({ sealed, from }: Forged): Sealed | undefined {
  return sealed.findLast(({ checkpoint }) => checkpoint.next <= from);
}

const cluster = await startCluster();
if ('skip' in cluster) {
  const { skip } = cluster;
  test('a forged copy beside a sealed batch', (context) => skipOrFail(context, skip));
} else {
  after(() => cluster.close());
  describe(`a forged copy beside a sealed batch, ${SEEDS} seeds`, () => suite(cluster));
}

function suite(kafka: KafkaCluster): void {
  const cases: Forged[] = [];
  let folder = '';
  let stretched: BesideCase;
  let live: Stream;
  let disk: Stream;
  let pool: VerifyPool;
  let diskPool: VerifyPool;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sealstream-beside-'));
    const url = `kafka://${kafka.bootstrap}`;
    const node = kafka.node(1);
    const stream = await openStream(url);
    const made: (BesideCase & { seed: number })[] = [];
    for (let seed = 0; seed < SEEDS; seed++) {
      const spot = SPOTS[seed % SPOTS.length] ?? 'middle';
      made.push({ ...(await makeCase(stream, `beside-${seed}`, spot, new Random(seed, 0))), seed });
    }
    // Its first fetch ends with the victim.
    stretched = await makeCase(stream, 'stretched', 'fetch', new Random(1_000_590, 0));
    await stream.close();
    await node.stop();
    const [batch, hidden] = storedBatches(node.logDir, 'stretched').slice(stretched.victim);
    assert.ok(batch !== undefined && hidden !== undefined);
    stretch(batch, hidden.header.nextOffset);
    for (const one of made) {
      cases.push({ ...one, ...forge(one, node.logDir, new Random(one.seed, 1)) });
    }
    await node.start();
    live = await openStream(url);
    disk = await openStream(`file:${node.logDir}`);
    const patience = { timeoutMs: 30_000, confirmMs: 20 };
    const walking = (place: string) =>
      new VerifyPool(2, { place: { url: place, options: {} }, timing: patience }, 1n);
    pool = walking(url);
    diskPool = walking(`file:${node.logDir}`);
  });
  after(async () => {
    await pool.close();
    await diskPool.close();
    await live.close();
    await disk.close();
    await rm(folder, { recursive: true });
  });

  /** Exit 1, and a finding that encloses the forged offsets. */
  async function expectFound(one: Forged, stream: Stream, options: Partial<VerifyOptions>) {
    const report = await verify({ ...verifyOptions(one.made, stream), ...options });
    const { findings } = partition(report, 0);
    const shown = `seed ${one.seed} (${one.spot}): ${findings.map(({ code, from, to }) => `${code} ${from} ${to}`).join()}`;
    assert.equal(report.verdict, 'tampered', shown);
    const encloses = findings.filter(
      ({ from, to }) => from !== null && to !== null && from <= one.from && one.to <= to,
    );
    assert.ok(encloses.length > 0, shown);
    return findings;
  }

  test('is what the Java console consumer is given, and what verify finds', async (context) => {
    const jars = await kafkaClassPath();
    if ('skip' in jars) return skipOrFail(context, jars.skip);
    for (const one of cases.slice(0, SPOTS.length)) {
      const words = ['--bootstrap-server', kafka.bootstrap, '--topic', one.made.topic];
      const where = ['--partition', '0', '--offset', String(one.sought), '--max-messages', '1'];
      const tool = 'org.apache.kafka.tools.consumer.ConsoleConsumer';
      const { stdout } = await run('java', ['-cp', jars.classPath, tool, ...words, ...where]);
      assert.match(stdout, /^forged /, `seed ${one.seed} (${one.spot})`);
    }
  });

  test('over kafka:, by one walker', async () => {
    for (const one of cases) await expectFound(one, live, {});
  });

  test('over kafka:, by two threads', async () => {
    for (const one of cases) await expectFound(one, live, { walkers: pool });
  });

  test('with a memory that accepted what is before it, and with --only-new', async () => {
    let onlyNewer = 0;
    for (const one of cases) {
      const memory = await openMemory(join(folder, String(one.seed)), { create: true });
      const accepted = acceptedOf(one);
      if (accepted !== undefined) {
        await memory.compareAndSet(keyOf(one.made), null, recordOf(accepted));
        await expectFound(one, live, { memory, onlyNew: true });
        await expectFound(one, disk, { memory, onlyNew: true, walkers: diskPool });
        onlyNewer++;
      }
      await expectFound(one, live, { memory });
      await memory.close();
    }
    assert.ok(onlyNewer > SEEDS / 2, `${onlyNewer} cases`);
  });

  test('is exit code 1 of the program, each way', async () => {
    const desk = await Desk.open();
    try {
      for (const one of cases.slice(0, SPOTS.length)) {
        await writeFile(desk.path('key.pub.pem'), publicKeyToPem(one.made.key.publicKey));
        const { ledger, topic } = one.made;
        const of = ['--ledger', ledger, '--topic', topic, '--public-key', 'key.pub.pem'];
        const memory = ['--memory', join(folder, String(one.seed))];
        const ways = [['--workers', '1'], ['--workers', '2'], memory, [...memory, '--only-new']];
        for (const stream of [`kafka://${kafka.bootstrap}`, `file:${kafka.node(1).logDir}`]) {
          for (const way of ways) {
            const words = ['verify', '--stream', stream, ...of, ...way];
            const { code, stdout, stderr } = await desk.run(words);
            assert.equal(code, 1, `seed ${one.seed}: ${words.join(' ')}\n${stdout}${stderr}`);
          }
        }
      }
    } finally {
      await desk.close();
    }
  });

  test("on the stopped broker's disk, by one walker and by several", async () => {
    for (const one of cases) {
      const findings = await expectFound(one, disk, {});
      assert.deepEqual(await expectFound(one, disk, { walkers: diskPool }), findings);
    }
  });

  test('a batch that claims the offsets behind it, where a fetch ends: all say so', async () => {
    const options = verifyOptions(stretched.made, live);
    assert.equal((await verify(options)).verdict, 'tampered');
    const replayed = async () => {
      for await (const { offset, value } of replay(options)) {
        assert.equal(Buffer.from(value ?? []).toString('latin1'), stretched.values.get(offset));
      }
    };
    const isSaid = (error: unknown) => error instanceof NotVerified && error.verdict === 'tampered';
    await assert.rejects(replayed, isSaid);
  });

  test('replay prints nothing forged and says so; prove makes no receipt', async () => {
    for (const one of cases) {
      const options = verifyOptions(one.made, live);
      const printed = async () => {
        for await (const { value } of replay(options)) {
          assert.doesNotMatch(Buffer.from(value ?? []).toString('latin1', 0, 20), /forged/);
        }
      };
      const isSaid = (error: unknown) =>
        error instanceof NotVerified && error.verdict === 'tampered';
      await assert.rejects(printed, isSaid, `seed ${one.seed}`);
      const proving = prove(proveOptions(one.made, live, one.sought));
      await assert.rejects(proving, isSaid, `seed ${one.seed}`);
    }
  });
}
