import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { Inquirer } from '../../../../stream/kafka/produce/unknown-outcomes.js';
import { batchOf, ScriptedBroker, TOPIC } from './scripted-broker.js';

const PARTITIONS = 16;
const IDENTITY = { producerId: 1n, producerEpoch: 0, baseSequence: 0, count: 1 };

test('many partitions that cannot be read back: nothing piles up, and closing ends the pauses', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => {
    warnings.push(warning);
  };
  process.on('warning', onWarning);
  const broker = new ScriptedBroker(PARTITIONS);
  let asked = 0;
  broker.findBatches = async () => {
    asked += 1;
    throw new SealstreamError('unreachable', 'no broker answers');
  };
  const inquirer = new Inquirer(broker, TOPIC, 60_000, null, () => {});
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const batches = [{ batch: batchOf('lost?'), identity: IDENTITY, fenced: true }];
    inquirer.start({ partition, from: 0n, until: 1n, batches });
  }
  await new Promise((resolve) => setImmediate(resolve));
  await inquirer.close();
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  assert.equal(asked, PARTITIONS);
  assert.deepEqual(warnings, []);
});
