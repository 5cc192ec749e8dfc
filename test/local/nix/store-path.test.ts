import { afterAll, describe, expect, test } from 'vitest'
import { isStorePath } from '../../../nix/store-path.ts'
import { TemporaryStore } from './temporary-store.ts'

const store = new TemporaryStore()
afterAll(() => store.remove())

/** Whether Nix takes a text for a store path: then it complains only that the path is not there. */
function nixTakes(text: string): boolean {
  try {
    store.text('nix-store', '--query', '--hash', text)
  } catch (error) {
    if (!(error instanceof Error && 'stderr' in error)) throw error
    return error.message.includes(`path '${text}' is not valid`)
  }
  throw new Error(`${text} cannot exist`)
}

const hash = '0c0shqn0wxsigmb6l7i4lkdg1mx6vlqp'

// Names with a leading dot are left out: Nix has changed its mind about them twice.
describe('Nix and we agree on', () => {
  test.each([
    [`/nix/store/${hash}-hello-2.12.drv`, true],
    [`/nix/store/${hash}-x`, true],
    [`/nix/store/${hash}-azAZ09+-._?=`, true],
    [`/nix/store/${hash}-${'x'.repeat(211)}`, true],
    [`/nix/store/${hash}-${'x'.repeat(212)}`, false],
    [`/nix/store/${hash}-`, false],
    [`/nix/store/${hash}`, false],
    [`/nix/store/${hash}-a b`, false],
    [`/nix/store/${hash}-a~b`, false],
    [`/nix/store/${hash}-a*b`, false],
    [`/nix/store/${hash}-é`, false],
    [`/nix/store/${hash.replace('0', 'e')}-x`, false],
    [`/nix/store/${hash.toUpperCase()}-x`, false],
    ['/nix/store/x', false],
  ])('%s: %j', (text, valid) => {
    expect(nixTakes(text)).toBe(valid)
    expect(isStorePath(text)).toBe(valid)
  })
})
