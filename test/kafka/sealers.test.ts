import assert from 'node:assert/strict';
import { freePorts } from '../support/kafka/ports.js';
import { LEDGER, LedgerDesk, onBothStreams, uniqueTopic, until } from '../support/ledger-desk.js';
import { perPartition } from '../support/seal-metrics.js';
import { readSealedLogs, unsealedLog, wrongCheckpoints } from '../support/sealed-log.js';
import { SteadyPublishing } from '../support/steady-publishing.js';

const SEALED = 'sealstream_sealed_records_total';
const QUICK = { every: '300ms', records: 50, heartbeat: '2s' };
const PARTITIONS = 4;

onBothStreams('two sealers, one killed while it seals: the other seals everything', (bootstrap) =>
  LedgerDesk.use({ bootstrap, partitions: PARTITIONS, seal: QUICK }, async (desk) => {
    const [first = 0, second = 0] = await freePorts(2);
    const words = ['seal', '--metrics'];
    const doomed = desk.start([...words, String(first)]);
    const other = desk.start([...words, String(second)]);
    const stream = await desk.openStream();
    const publishing = await SteadyPublishing.start(stream, desk.topic);
    const sealedBy = (port: number) => perPartition(port, SEALED, desk.topic);
    try {
      await until('both seal', async () => {
        const [one, two] = [await sealedBy(first), await sealedBy(second)];
        return (
          one.size === 2 && two.size === 2 && [...one.values(), ...two.values()].every(Boolean)
        );
      });
      doomed.kill('SIGKILL');
      assert.equal((await doomed.session).code, -1);
      await until('the other seals every partition', async () => {
        const values = [...(await sealedBy(second)).values()];
        return values.length === PARTITIONS && values.every((records) => records > 0);
      });
      await publishing.stop();
      const key = await desk.publicKey();
      const read = () => readSealedLogs(stream, LEDGER, desk.topic, key);
      await until('everything is sealed', async () => unsealedLog(await read()) === null);
      other.kill('SIGTERM');
      assert.equal((await other.session).code, 0, other.stderr());
      const logs = await read();
      for (const log of logs) {
        assert.ok(log.records.length > 0);
        assert.deepEqual(wrongCheckpoints(log), []);
      }
      const { code, report } = await desk.verify();
      assert.equal(code, 0, JSON.stringify(report));
      assert.equal(report.records, String(publishing.acknowledged));
    } finally {
      await publishing.stop().finally(() => stream.close());
    }
  }),
);

onBothStreams('one sealer seals every topic of its ledger', (bootstrap) =>
  LedgerDesk.use(
    { bootstrap, topics: [uniqueTopic(), uniqueTopic()], partitions: 2, seal: QUICK },
    async (desk) => {
      const running = desk.start(['seal']);
      const input = '{"action":"test.publish","actor":{"id":"a"}}\n'.repeat(3);
      for (const topic of desk.topics) {
        const { code, stderr } = await desk.run(['publish', '--topic', topic], { input });
        assert.equal(code, 0, stderr);
      }
      const stream = await desk.openStream();
      try {
        const key = await desk.publicKey();
        await until('both topics are sealed', async () => {
          const read = (topic: string) => readSealedLogs(stream, LEDGER, topic, key);
          return unsealedLog((await Promise.all(desk.topics.map(read))).flat()) === null;
        });
      } finally {
        await stream.close();
      }
      running.kill('SIGTERM');
      assert.equal((await running.session).code, 0, running.stderr());
      const { code, report } = await desk.verify();
      assert.deepEqual([code, report.records], [0, '6']);
    },
  ),
);
