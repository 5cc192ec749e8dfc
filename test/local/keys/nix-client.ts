import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeMachine } from '../../../local/demo/machine.ts'
import { onMachine } from '../../../local/demo/on-machine.ts'
import type { DemoWorld } from '../../../local/demo/world.ts'
import type { StorePath } from '../../../nix/store-path.ts'

let clients = 0

/**
 * What of these paths a laptop gets that has nothing yet, remembers nothing, requires signatures and trusts these keys of ours: all that
 * Nix takes without building.
 */
export async function pathsTaken(
  world: DemoWorld,
  paths: StorePath[],
  ourKeys: string[],
): Promise<StorePath[]> {
  const name = `client-${++clients}`
  const folder = join(world.folder, 'machines', name)
  const machine = await makeMachine(folder, name, {
    substituters: `${world.bridge.url} ${world.upstream.url}`,
    'trusted-public-keys': [...ourKeys, world.upstream.publicKey].join(' '),
    'max-jobs': '0',
    fallback: 'false',
  })
  try {
    // It ends with an error when one of the paths cannot be had; what it has then is asked of the store.
    await onMachine(machine, ['nix-store', '--realise', '--keep-going', ...paths])
    const { stdout } = await onMachine(machine, [
      'nix-store',
      '--check-validity',
      '--print-invalid',
      ...paths,
    ])
    const missing = new Set(stdout.split('\n'))
    return paths.filter((path) => !missing.has(path))
  } finally {
    await onMachine(machine, ['chmod', '-R', 'u+w', '/nix/store'])
    await rm(folder, { recursive: true, force: true })
  }
}
