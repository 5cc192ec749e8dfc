import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { Cut, Guard } from './guard.ts'
import { runTests, type TestRun } from './run-tests.ts'
import { Tree } from './tree.ts'

/** What became of one guard. */
export interface Proof {
  guard: Guard
  /** whether a test fails without it, and passes with it */
  isNeeded: boolean
  /** the test that fails, or why nothing is proved */
  says: string
  seconds: number
}

// The tests of one guard keep a core busy, more or less; the machine of the project has two.
const AT_ONCE = 2

/**
 * Takes each guard out of a copy of this tree in turn, and runs its tests.
 * @param onProof told as each is decided
 * @param signal ends all, and leaves nothing behind
 */
export async function prove(
  guards: Guard[],
  onProof: (proof: Proof) => void,
  signal: AbortSignal,
): Promise<Proof[]> {
  const folder = await mkdtemp(join(tmpdir(), 'hearth-guards-'))
  try {
    const trees: Tree[] = []
    while (trees.length < AT_ONCE) trees.push(await Tree.copy(join(folder, `tree-${trees.length}`)))
    const limit = pLimit(AT_ONCE)
    return await limit.map(guards, async (guard) => {
      signal.throwIfAborted()
      const tree = trees.pop()
      if (tree === undefined) throw new Error('more guards at once than copies of the tree')
      try {
        const started = performance.now()
        const proof = await proveOne(guard, tree, signal)
        const all = { guard, ...proof, seconds: (performance.now() - started) / 1000 }
        onProof(all)
        return all
      } finally {
        trees.push(tree)
      }
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function proveOne(
  guard: Guard,
  tree: Tree,
  signal: AbortSignal,
): Promise<Pick<Proof, 'isNeeded' | 'says'>> {
  const cuts = [guard, ...(guard.covered === undefined ? [] : [guard.covered])]
  const unproved = (says: string): Pick<Proof, 'isNeeded' | 'says'> => ({ isNeeded: false, says })
  for (const cut of cuts) {
    const times = await tree.count(cut)
    if (times !== 1) return unproved(`its text stands ${times} times in ${cut.file}`)
  }
  const whole = await runWithout([])
  if (whole.passed === 0 || whole.failed.length > 0)
    return unproved(
      `with the guard ${whole.passed} tests pass, and ${whole.failed[0]?.name ?? whole.said} fails`,
    )
  if (guard.covered !== undefined) {
    const alone = await runWithout([guard])
    if (alone.passed === 0 || alone.failed.length > 0)
      return unproved(
        `it is said to be covered, and it alone is missed by ${alone.failed[0]?.name ?? alone.said}`,
      )
  }
  const { passed, failed, said } = await runWithout(cuts)
  const [first] = failed
  if (first === undefined)
    return unproved(
      passed === 0 ? `nothing runs without it: ${said}` : `nobody misses it: ${passed} tests pass`,
    )
  const broken = /\b(SyntaxError|ReferenceError): .*/.exec(first.message)
  return broken === null
    ? { isNeeded: true, says: first.name }
    : unproved(`what stands in its place is no program: ${broken[0]}`)

  async function runWithout(without: Cut[]): Promise<TestRun> {
    return tree.without(without, async () => {
      const refusal = guard.template === true ? await tree.package(without.length === 0, signal) : undefined
      return refusal === undefined
        ? runTests(tree.folder, guard, signal)
        : { passed: 0, failed: [], said: refusal }
    })
  }
}
