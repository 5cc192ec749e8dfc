import { expect, test } from 'vitest'
import { EarlierBuilds } from '../../../builders/batch/earlier-builds.ts'
import { LocalStore } from '../../../builders/machine/local-store.ts'
import { parseStorePath } from '../../../nix/store-path.ts'

test('when it could not be seen on what something was built, nobody knows it, and no later batch breaks of it', async () => {
  const built = new EarlierBuilds()
  const [drvPath, input] = [
    parseStorePath(`/nix/store/${'a'.repeat(32)}-a.drv`),
    parseStorePath(`/nix/store/${'b'.repeat(32)}-b`),
  ]
  const nowhere = new LocalStore({ PATH: '/nowhere' })
  const derivation = {
    drvPath,
    name: 'a',
    outputs: [],
    needs: [],
    inputOutputs: [input],
    inputs: [],
    sources: [],
  }
  built.add({ ...derivation, path: 1, isAwaited: false }, nowhere)
  await expect(built.inputsOf(drvPath)).rejects.toThrow()
  expect(await built.inputsOf(drvPath)).toBeUndefined()
})
