import assert from 'node:assert/strict';
import type { Stream } from '../../stream/stream.js';
import { checkpointsEnd, fillTopic } from '../support/filled-topic.js';
import { freePorts } from '../support/kafka/ports.js';
import { LEDGER, LedgerDesk, onBothStreams, until } from '../support/ledger-desk.js';
import { ask, perPartition } from '../support/seal-metrics.js';
import { readSealedLogs, unsealedLog, wrongCheckpoints } from '../support/sealed-log.js';

const QUICK = { every: '300ms', records: 100, heartbeat: '2s' };
const PARTITIONS = 4;
/** Each of twice as much: in one of them the sealer is killed before it is done. */
const KILLS = 5;

/** Fills the topic and kills a sealer in the middle of it; the answer is how much was filled. */
async function killedInTheMiddle(desk: LedgerDesk, stream: Stream): Promise<number> {
  const key = await desk.publicKey();
  let records = 0;
  for (let kill = 0; kill < KILLS; kill += 1) {
    const batches = 120 * 2 ** kill;
    await fillTopic(stream, desk.topic, batches, 200);
    records += batches * 200;
    const end = await checkpointsEnd(stream, desk.topic);
    const doomed = desk.start(['seal', '--once']);
    await checkpointsEnd(stream, desk.topic, end);
    doomed.kill('SIGKILL');
    const { code, stderr } = await doomed.session;
    const unsealed = unsealedLog(await readSealedLogs(stream, LEDGER, desk.topic, key));
    if (unsealed !== null) {
      assert.equal(code, -1, stderr);
      return records;
    }
  }
  return assert.fail('the sealer is always faster than its end');
}

onBothStreams('a sealer that is killed in the middle: the next one goes on', (bootstrap) =>
  LedgerDesk.use({ bootstrap, partitions: PARTITIONS, seal: QUICK }, async (desk) => {
    const stream = await desk.openStream();
    let records = 0;
    try {
      records = await killedInTheMiddle(desk, stream);
      const { code, stderr } = await desk.run(['seal', '--once']);
      assert.deepEqual([code, stderr], [0, '']);
      const logs = await readSealedLogs(stream, LEDGER, desk.topic, await desk.publicKey());
      assert.equal(unsealedLog(logs), null);
      assert.deepEqual(logs.flatMap(wrongCheckpoints), []);
    } finally {
      await stream.close();
    }
    const { code, report } = await desk.verify();
    assert.deepEqual([code, report.records], [0, String(records)]);
  }),
);

onBothStreams('SIGTERM: last checkpoints of all partitions, exit 0', (bootstrap) =>
  LedgerDesk.use(
    { bootstrap, partitions: PARTITIONS, seal: { every: '1h', heartbeat: '1h' } },
    async (desk) => {
      const [port = 0] = await freePorts(1);
      const running = desk.start(['seal', '--metrics', String(port)]);
      const stream = await desk.openStream();
      try {
        const chained = () => perPartition(port, 'sealstream_lag_records', desk.topic);
        await until('all partitions are sealed', async () => {
          return (await chained()).size === PARTITIONS;
        });
        await fillTopic(stream, desk.topic, 8, 50);
        // Seen by the sealer and by no checkpoint: `every` is far away.
        await until('everything is read', async () => {
          const values = [...(await chained()).values()];
          return values.length === PARTITIONS && values.every((records) => records === 100);
        });
        assert.deepEqual(await ask(port, '/healthz'), { status: 200, text: 'ok\n' });
        running.kill('SIGTERM');
        assert.equal((await running.session).code, 0, running.stderr());
        const logs = await readSealedLogs(stream, LEDGER, desk.topic, await desk.publicKey());
        assert.equal(unsealedLog(logs), null);
      } finally {
        await stream.close();
      }
      const { code, report } = await desk.verify();
      assert.deepEqual([code, report.records], [0, '400']);
    },
  ),
);
