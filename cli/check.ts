import type { Command } from 'commander';
import { SealstreamError } from '../ledger/error.js';
import { checkReceipt, parseReceipt } from '../ledger/receipt.js';
import { offset, wholeNumber } from './arguments.js';
import { checkPins, holdAgainst, type Pins, type Proven, provenOf } from './check-pins.js';
import { EXIT } from './exit.js';
import { printLine, tell, toJson } from './output.js';
import { loadPublicKey, readInput } from './session.js';

interface CheckOptions extends Pins {
  readonly record: string;
  readonly publicKey: string;
  readonly json?: boolean;
}

/** So that a person can compare what is proven with what it should be. */
function described(proven: Proven): string[] {
  const { origin, ledger, topic, topicId, partition, index, offset, event, checkpoint } = proven;
  return [
    `proven: this record is entry ${index} of ${origin}, at offset ${offset},`,
    `under the checkpoint of size ${checkpoint.size} signed at ${checkpoint.time}`,
    `ledger     ${ledger}`,
    `topic      ${topic}, id ${topicId}`,
    `partition  ${partition}`,
    `offset     ${offset}`,
    `index      ${index}`,
    `event      ${event ?? 'the record holds no audit event'}`,
  ];
}

async function check(proofFile: string, options: CheckOptions): Promise<number> {
  checkPins(options);
  const key = await loadPublicKey(options.publicKey, '--public-key');
  const proof = await readInput(proofFile, 'PROOF');
  const body = await readInput(options.record, '--record');
  try {
    const receipt = parseReceipt(proof);
    const proven = provenOf(receipt, body, checkReceipt(receipt, body, key));
    holdAgainst(proven, options);
    await printLine(
      options.json === true ? toJson({ valid: true, ...proven }) : described(proven).join('\n'),
    );
    return EXIT.done;
  } catch (error) {
    if (!(error instanceof SealstreamError) || error.class !== 'data') throw error;
    const unknown = error.code === 'unknown-version';
    if (options.json === true) {
      await printLine(toJson({ valid: false, code: error.code, message: error.message }));
    } else {
      tell(`${unknown ? 'could not check' : 'not proven'}: ${proofFile}: ${error.message}`);
    }
    return unknown ? EXIT.unchecked : EXIT.tampered;
  }
}

export function registerCheck(
  program: Command,
  run: (work: Promise<number>) => Promise<void>,
): void {
  program
    .command('check')
    .description('check a receipt offline: exit 0 proven, 1 not proven, 3 could not check')
    .argument('<PROOF>', 'the receipt that prove wrote')
    .requiredOption('--record <file>', "the record's bytes that prove wrote")
    .requiredOption('--public-key <file>', "the ledger's public key")
    .option('--ledger <name>', 'it must be about this ledger')
    .option('--topic <topic>', 'about this topic')
    .option('--partition <n>', 'this partition', wholeNumber('--partition', 0, 2 ** 31 - 1))
    .option('--offset <offset>', 'this offset', offset('--offset'))
    .option('--event <id>', 'a record that holds the event of this id')
    .option('--config <file>', 'accepted and not needed: check reads no configuration')
    .option('--json', 'print one JSON document')
    .addHelpText(
      'after',
      '\nA receipt says itself what it is about, and a true one of another record is true. Who receives\n' +
        'one for a certain record names it by --ledger, --topic, --partition and --offset, or by --event:\n' +
        'a receipt for something else is refused (exit 1). What it is about is printed.\n\n' +
        'Examples:\n' +
        '  sealstream check audit-0-17.tlog-proof --record audit-0-17.record ' +
        '--public-key keys/sealer.pub.pem\n' +
        '  sealstream check a.tlog-proof --record a.record --public-key sealer.pub.pem \\\n' +
        '    --ledger audit.example.com/payments --topic audit --partition 0 --offset 17',
    )
    .action((proof: string, options: CheckOptions) => run(check(proof, options)));
}
