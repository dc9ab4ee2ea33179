import { getRandomValues } from 'node:crypto';
import { V7Generator } from 'uuidv7';

/** Filled at once: a call of the runtime's costs more than a number. */
const random = new Uint32Array(1024);
let used = random.length;

const generator = new V7Generator({
  nextUint32: () => {
    if (used === random.length) {
      getRandomValues(random);
      used = 0;
    }
    return random[used++] as number;
  },
});

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
const DIGITS = Buffer.from(HEX.join(''));
const HYPHEN = 0x2d;
const text = Buffer.alloc(36);

/** A new UUID, version 7: later ones of this process are greater. */
export function newEventId(): string {
  const { bytes } = generator.generate();
  let at = 0;
  for (let i = 0; i < 16; i++) {
    if (i === 4 || i === 6 || i === 8 || i === 10) text[at++] = HYPHEN;
    const digits = 2 * (bytes[i] as number);
    text[at++] = DIGITS[digits] as number;
    text[at++] = DIGITS[digits + 1] as number;
  }
  return text.toString('latin1');
}
