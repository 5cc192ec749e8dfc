import { nameOf, type StorePath } from '../../nix/store-path.ts'
import { type Fetched, fetchByStorePath } from './by-store-path.ts'
import { claimGitHub, showChecks } from './claim-github.ts'
import { claimRuns } from './claim-runs.ts'
import type { Claims } from './claims.ts'
import { checkOut, enterShell, type EnteredShell } from './laptop.ts'
import type { Delivery } from '../github/push-webhook.ts'
import { deliver, pushAndFollow } from './push.ts'
import type { EndedRun } from './run.ts'
import { verifyCache } from './verify.ts'
import type { View } from './view.ts'
import { type DemoWorld, LINUX, MAC, REPOSITORY } from './world.ts'

/** The shells of the example that are not broken, each with a command that only works inside of it. */
const SHELLS = { default: ['greeter'], ci: ['checklist'], docs: ['site'], release: ['release'] }
/** What is known of it only when a plan was built on a Mac. */
const MAC_SHELLS = { planned: ['printer'] }

/** One push: what its run did, and what the laptop then had to do. */
export interface Chapter {
  title: string
  delivery: Delivery
  run: EndedRun
  entered: EnteredShell[]
}

/** Three pushes: everything is new, one package changes, nothing changes. */
export async function tellStory(world: DemoWorld, view: View, claims: Claims): Promise<Chapter[]> {
  const chapters = [
    await chapter(world, view, 'The first push: nothing is warm yet', {
      file: 'README.md',
      text: '# Shells\n',
      message: 'Shells for everybody',
    }),
    await chapter(world, view, 'The second push: one package changes', {
      file: 'greeting.txt',
      text: 'Hello again from a warm shell\n',
      message: 'A new greeting',
    }),
    await chapter(world, view, 'The third push: nothing that is built changes', {
      file: 'README.md',
      text: '# Our shells\n',
      message: 'Better words',
    }),
  ]
  const fetched = await fetchByStorePath(
    world,
    await checkOut(world),
    `packages.${LINUX[0]}.checklist`,
    'checklist',
  )
  view.from(
    'server',
    `nix-store --realise ${nameOf(fetched.path as StorePath)}: ${fetched.downloaded.length} downloaded, says "${fetched.printed}"`,
  )
  await showChecks(world, view, chapters)
  view.heading('What was claimed')
  await claimRuns(claims, world.systems, chapters)
  claimGitHub(world, claims, chapters)
  claimLaptop(claims, chapters)
  claimSource(world, claims, fetched)
  await claimEdges(world, claims, chapters)
  return chapters
}

async function chapter(
  world: DemoWorld,
  view: View,
  title: string,
  change: { file: string; text: string; message: string },
): Promise<Chapter> {
  view.heading(title)
  view.from('git', `push to ${REPOSITORY}: ${change.message}`)
  const { delivery, ended } = await pushAndFollow(world, change)
  const { verdict, derivations } = ended.summary
  view.from(
    'run',
    `${verdict}: ${derivations.built} built, ${derivations.published} published, ${derivations.skipped} skipped`,
  )
  const checkout = await checkOut(world)
  const entered: EnteredShell[] = []
  for (const system of world.systems)
    for (const [shell, command] of Object.entries({ ...SHELLS, ...(system === MAC ? MAC_SHELLS : {}) })) {
      const result = await enterShell(world.laptop, checkout, system, shell, command)
      view.from(
        'laptop',
        `nix develop .#devShells.${system}.${shell} -c ${command.join(' ')}: ${result.downloaded.length} downloaded, ${result.compiled.length} compiled${result.ok ? `, says "${result.printed.replaceAll('\n', ' / ')}"` : `: FAILED\n${result.complaint ?? ''}`}`,
      )
      entered.push(result)
    }
  return { title, delivery, run: ended, entered }
}

function claimLaptop(claims: Claims, chapters: Chapter[]): void {
  const entered = chapters.flatMap((chapter) => chapter.entered)
  claims.claim(
    'the laptop entered every healthy shell',
    entered.every(({ ok }) => ok),
    entered.filter(({ ok }) => !ok),
  )
  const compiled = entered.flatMap((shell) => shell.compiled)
  claims.claim(
    'the laptop built nothing but the local -env derivation and what allowSubstitutes = false always builds',
    compiled.length === 0,
    compiled,
  )
  const local = new Set(
    entered.flatMap(({ alwaysLocal }) => alwaysLocal.map((drv) => nameOf(drv as StorePath))),
  )
  claims.claim(
    'allowSubstitutes = false did build on the laptop: the release shell shows it',
    [...local].join() === 'release.drv',
    [...local],
  )
}

function claimSource({ bridge }: DemoWorld, claims: Claims, { downloaded, printed }: Fetched): void {
  const ours = downloaded.filter(({ from }) => from.startsWith(bridge.url))
  claims.claim(
    'a server without a checkout got checklist by its store path, with the source that it refers to, and runs that',
    ours.some(({ path }) => path.endsWith('-checklist.sh')) && printed === 'everything is checked',
    { downloaded, printed },
  )
}

async function claimEdges(world: DemoWorld, claims: Claims, chapters: Chapter[]): Promise<void> {
  const { counts, faults } = await verifyCache(world.folder)
  claims.claim(
    `hearth verify --content: all ${counts.narinfos} narinfos of the cache are signed, have their NAR byte for byte, and have their closure`,
    counts.narinfos > 0 && faults.length === 0,
    faults,
  )
  const delivery = chapters.at(-1)?.delivery
  if (delivery !== undefined) {
    const again = await deliver(world, delivery)
    claims.claim(
      'the same delivery again starts nothing',
      again.status === 202 && again.body.duplicate === true,
      again,
    )
    const signature = { 'x-hub-signature-256': `sha256=${'0'.repeat(64)}` }
    const forged = await deliver(world, { ...delivery, headers: { ...delivery.headers, ...signature } })
    claims.claim('a forged delivery is refused', forged.status === 401, forged)
  }
  claims.claim(
    'no part of the system asked for more than its role allows',
    world.stack.denied.length === 0,
    world.stack.denied,
  )
}
