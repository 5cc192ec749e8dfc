import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { makeClient } from '../../../local/demo/client.ts'
import type { DemoMachine } from '../../../local/demo/machine.ts'
import { onMachine } from '../../../local/demo/on-machine.ts'
import type { DemoWorld } from '../../../local/demo/world.ts'
import type { StorePath } from '../../../nix/store-path.ts'
import type { AvailableNix } from '../nix/available-nix.ts'

let clients = 0

/**
 * What of these paths a laptop gets that has nothing yet, remembers nothing, requires signatures and trusts these keys of ours: all that
 * Nix takes without building.
 * @param nix which one the laptop has
 */
export async function pathsTaken(
  world: DemoWorld,
  paths: StorePath[],
  ourKeys: string[],
  nix: AvailableNix,
): Promise<StorePath[]> {
  const machine = await newClient(world, ourKeys, nix)
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
    await removeClient(machine)
  }
}

/** A laptop that has nothing yet, and builds nothing. */
export function newClient(
  { folder, bridge, upstream }: DemoWorld,
  ourKeys: string[],
  { root }: AvailableNix,
): Promise<DemoMachine> {
  const name = `client-${++clients}`
  const caches = { bridge: bridge.url, ourKeys, upstream }
  const settings = { 'max-jobs': '0', fallback: 'false' }
  return makeClient(join(folder, 'machines', name), name, caches, settings, root)
}

export async function removeClient(machine: DemoMachine): Promise<void> {
  await onMachine(machine, ['chmod', '-R', 'u+w', '/nix/store'])
  await rm(machine.folder, { recursive: true, force: true })
}
