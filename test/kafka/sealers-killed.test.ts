import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach } from 'node:test';
import { STEPS } from '../../sealer/index.js';
import { kafkaTest } from '../support/kafka.js';
import { TestLedger } from '../support/sealer/ledger.js';
import { ended, endSealers, startSealer, unsealed } from '../support/sealer/process.js';

const KILLED = { code: null, signal: 'SIGKILL' };
const ledgers: TestLedger[] = [];

afterEach(async () => {
  endSealers();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

for (const step of STEPS) {
  kafkaTest(
    `killed at step ${step}, twice, and started again: the same chain`,
    async (bootstrap) => {
      const place = { url: `kafka://${bootstrap}`, topic: `killed-${randomUUID()}` };
      const ledger = await TestLedger.make(2, place);
      ledgers.push(ledger);
      for (const nth of [1, 2]) {
        for (let batch = 0; batch < 6; batch += 1) await ledger.append(3, batch % 2);
        assert.deepEqual(await ended(startSealer(ledger, 'once', step, nth)), KILLED);
      }
      assert.deepEqual(await ended(startSealer(ledger, 'once')), { code: 0, signal: null });
      assert.equal(await unsealed(ledger, 2), null);
      for (const partition of [0, 1]) {
        // Chain and root of every checkpoint, computed from the records alone: what an uninterrupted
        // sealer would have signed.
        assert.deepEqual(await ledger.wrong(partition), []);
        const head = (await ledger.checkpoints(partition)).at(-1);
        assert.equal(head?.size, 18n);
        const slot = await ledger.memory.read(ledger.keyOf(partition));
        assert.equal(slot?.record.checkpoint?.published, true);
      }
    },
  );
}
