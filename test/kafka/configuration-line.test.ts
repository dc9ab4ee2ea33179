import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach } from 'node:test';
import { verify } from '../../consumer/index.js';
import { kafkaTest } from '../support/kafka.js';
import { withAdmin } from '../support/kafka-admin.js';
import {
  configure,
  hashOf,
  linesOf,
  startConfiguration,
} from '../support/sealer/configuration-topic.js';
import { LEDGER, TestLedger, until } from '../support/sealer/ledger.js';

const ledgers: TestLedger[] = [];
const [A, B] = [hashOf('a'), hashOf('b')];

afterEach(async () => {
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

kafkaTest(
  'two sealers follow the configuration topic, and go on when it is deleted',
  async (bootstrap) => {
    const place = { url: `kafka://${bootstrap}`, topic: `line-${randomUUID()}` };
    const ledger = await TestLedger.make(2, place);
    ledgers.push(ledger);
    const configuration = `${ledger.topic}.configuration`;
    await startConfiguration(ledger, configuration);
    await configure(ledger.stream, 'a', configuration);
    const topics = [configuration, ledger.topic];
    const options = { topics, configuration, every: 100, truncatedAfter: 10_000, timeout: 10_000 };
    const stop = new AbortController();
    const sealers = [await ledger.sealer(options), await ledger.sealer(options)];
    const running = sealers.map((sealer) => sealer.run(stop.signal));
    const named = async (hash: string) => {
      const lines = await Promise.all([0, 1].map((partition) => linesOf(ledger, partition)));
      return lines.every((one) => one.at(-1) === hash);
    };
    try {
      await ledger.append(3, 0);
      await until(() => named(A), 60_000);
      await configure(ledger.stream, 'b', configuration);
      await until(() => named(B), 60_000);
      await check(ledger, configuration);
      await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [configuration] }));
      await ledger.append(3, 0);
      await until(async () => (await ledger.checkpoints()).at(-1)?.size === 6n, 60_000);
    } finally {
      stop.abort();
      await Promise.all(running);
    }
    const lines = await linesOf(ledger);
    assert.deepEqual([...new Set(lines.filter((line) => line !== null))], [A, B]);
    assert.equal(lines.at(-1), B);
  },
);

/** Once the configuration topic's log is sealed to its end, all of it verifies. */
async function check(ledger: TestLedger, configuration: string): Promise<void> {
  const { stream, key, topic } = ledger;
  const options = { stream, ledger: LEDGER, publicKey: key.publicKey, maxAge: 900_000 };
  await until(async () => {
    const report = await verify({ ...options, topics: [{ topic }], configuration });
    const last = report.configuration?.changes.at(-1);
    const sealed = report.configuration?.log?.sealed?.size;
    return report.verdict === 'intact' && last?.config === B && last.known === 1n && sealed === 2n;
  }, 60_000);
}
