/**
 * Signature checks side by side: node:crypto does them on the threads of libuv's pool. What they
 * mean is applied in the order in which they were asked for, whichever ends first, and only so many
 * are under way: memory does not grow with what a topic holds.
 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { type PublicKey, publicKeyToPem, SIGNATURE_LENGTH } from '../ledger/keys.js';
import { digest } from '../ledger/sha256.js';

/** What `key` must have signed, each signature over the same message. */
export interface SignedMessage {
  readonly message: Uint8Array;
  readonly signatures: readonly Uint8Array[];
}

/** More than the threads there are, so that none waits for the next. */
const MOST_WAITING = 512;
const MOST_WAITING_BYTES = 4 * 1024 * 1024;
/** Checks whose outcome is kept, for notes that come again: a topic can be full of copies. */
const MOST_KEPT = 4096;

interface Check {
  /** null: under way. */
  valid: boolean | null;
}

interface Waiting {
  readonly check: Check;
  readonly size: number;
  readonly apply: (valid: boolean) => void;
}

const NOTHING_TO_CHECK: Check = { valid: true };
const INVALID: Check = { valid: false };

export class SignatureChecks {
  readonly #key: KeyObject;
  readonly #kept = new Map<string, Check>();
  /** From `#first` on; the places before are empty. */
  #waiting: Waiting[] = [];
  #first = 0;
  #bytes = 0;
  #failure: Error | null = null;
  #wake: () => void = () => {};

  constructor(publicKey: PublicKey) {
    this.#key = createPublicKey(publicKeyToPem(publicKey));
  }

  /**
   * `apply` is called once everything that was given before has been applied and the signatures are
   * checked; null: there is nothing to check. `size`: about the bytes that are held until then.
   * Returns when there is room for more. Throws what `apply` throws, here or at another call.
   */
  async inOrder(
    signed: SignedMessage | null,
    size: number,
    apply: (valid: boolean) => void,
  ): Promise<void> {
    const check = signed === null ? NOTHING_TO_CHECK : this.#checkOf(signed);
    this.#waiting.push({ check, size, apply });
    this.#bytes += size;
    this.#applyDone();
    while (this.#count > MOST_WAITING || this.#bytes > MOST_WAITING_BYTES) await this.#next();
  }

  /** Everything that was given is applied. */
  async end(): Promise<void> {
    while (this.#count > 0) await this.#next();
  }

  get #count(): number {
    return this.#waiting.length - this.#first;
  }

  /** Waits for the first that is under way. */
  async #next(): Promise<void> {
    if (this.#waiting[this.#first]?.check.valid === null && this.#failure === null) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== null) throw this.#failure;
    this.#applyDone();
  }

  #applyDone(): void {
    for (;;) {
      const first = this.#waiting[this.#first];
      if (first === undefined || first.check.valid === null) break;
      this.#first += 1;
      this.#bytes -= first.size;
      first.apply(first.check.valid);
    }
    if (this.#first < MOST_WAITING) return;
    this.#waiting = this.#waiting.slice(this.#first);
    this.#first = 0;
  }

  #checkOf(signed: SignedMessage): Check {
    if (signed.signatures.some(({ length }) => length !== SIGNATURE_LENGTH)) return INVALID;
    const name = nameOf(signed);
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const check = this.#begin(signed);
    if (this.#kept.size === MOST_KEPT) this.#kept.clear();
    this.#kept.set(name, check);
    return check;
  }

  #begin({ message, signatures }: SignedMessage): Check {
    const check: Check = { valid: null };
    let left = signatures.length;
    let valid = true;
    for (const signature of signatures) {
      verify(null, message, this.#key, signature, (error, isValid) => {
        if (error !== null) this.#failure ??= error;
        valid &&= isValid === true;
        left -= 1;
        if (left > 0 && error === null) return;
        check.valid = valid;
        if (error !== null || this.#waiting[this.#first]?.check === check) this.#wake();
      });
    }
    return check;
  }
}

/** The count comes first: without it, bytes could be moved from a message to its signatures. */
function nameOf({ message, signatures }: SignedMessage): string {
  const bytes = new Uint8Array(1 + message.length + signatures.length * SIGNATURE_LENGTH);
  bytes[0] = signatures.length;
  bytes.set(message, 1);
  let at = 1 + message.length;
  for (const signature of signatures) {
    bytes.set(signature, at);
    at += signature.length;
  }
  return digest(bytes);
}
