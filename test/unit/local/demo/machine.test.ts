import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { buildUserIds } from '../../../../builders/serve/clean-up.ts'
import { makeMachine } from '../../../../local/demo/machine.ts'

async function usersOf(folder: string): Promise<Set<number>> {
  const [group = '', passwd = ''] = await Promise.all(
    ['group', 'passwd'].map((file) => readFile(join(folder, file), 'utf8')),
  )
  return buildUserIds(group, passwd)
}

test("a machine's Nix builds as users that the computer does not build as: a Nix outside would kill what they run", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-machine-'))
  onTestFinished(async () => rm(folder, { recursive: true }))
  await makeMachine(folder, 'machine', {})
  const users = await usersOf(join(folder, 'etc'))
  expect(users.size).toBe(10)
  // what Nix's own installer gives a computer, and what this one has
  const others = [...Array.from({ length: 32 }, (_, index) => 30_001 + index), ...(await usersOf('/etc'))]
  expect(others.filter((id) => users.has(id))).toEqual([])
})
