import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { describeError } from '../../functions/shared/errors.ts'
import { collectClaims } from './claims.ts'
import { drawRuns } from './draw-runs.ts'
import { ensurePrerequisites } from './prerequisites.ts'
import { resultOf, tableOf } from './result.ts'
import { showEvents } from './show-events.ts'
import { tellStory } from './story.ts'
import { makeView } from './view.ts'
import { type DemoWorld, LINUX, MAC, REPOSITORY, startWorld } from './world.ts'

/**
 * `npm run demo`: the whole system on this machine with real Nix. Exits with 1 when a claim failed, and leaves no process behind.
 *   --keep           leaves everything running until Ctrl-C, and prints the addresses
 *   --json           prints demo.json on standard output, and everything else on standard error
 *   --folder FOLDER  where it keeps its state; emptied first
 */
const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    folder: { type: 'string', default: join('.hearth', 'demo') },
  },
})
const started = performance.now()
const write = (line: string): void => (values.json ? console.error(line) : console.log(line))
const view = makeView(write, started)
let world: DemoWorld | undefined
try {
  await ensurePrerequisites((line) => view.say(line))
  view.heading('A company on one machine')
  world = await startWorld(resolve(values.folder), view, showEvents(view), undefined, [...LINUX, MAC])
  const claims = collectClaims(view)
  const chapters = await tellStory(world, view, claims)
  const charts = await drawRuns(values.folder, view, chapters)
  const result = resultOf(chapters, {
    claims: claims.all,
    charts,
    bridge: world.bridge.url,
    seconds: (performance.now() - started) / 1000,
  })
  const file = join(values.folder, 'demo.json')
  await writeFile(file, `${JSON.stringify(result, undefined, 2)}\n`)
  view.heading('Summary')
  write(tableOf(result))
  write(
    `\n${result.holds ? 'All claims hold' : 'NOT all claims hold'}; ${result.seconds.toFixed(0)} s; details in ${file}, charts in ${charts.join(', ')}`,
  )
  if (values.json) console.log(JSON.stringify(result))
  process.exitCode = result.holds ? 0 : 1
  if (values.keep) await keepRunning(world)
} catch (error) {
  const { name, message } = describeError(error)
  console.error(`${name}: ${message}`)
  if (name === 'TypeError' || name === 'Error') console.error(error)
  process.exitCode = 1
} finally {
  await world?.close()
}

async function keepRunning(kept: DemoWorld): Promise<void> {
  view.heading('Kept running; Ctrl-C ends it')
  write(`  AWS       ${kept.stack.endpoint}`)
  write(`  webhook   ${kept.stack.api}/github`)
  write(
    `  GitHub    git -c http.extraHeader='Authorization: Bearer ${kept.developerToken}' clone ${kept.github.url}/${REPOSITORY}.git`,
  )
  write(`  our cache ${kept.bridge.url} (key ${kept.publicKey})`)
  write(`  upstream  ${kept.upstream.url}`)
  write(
    `  try       npm run hearth -- --local --folder ${join(kept.folder, 'aws')} warm ${REPOSITORY} --wait`,
  )
  // a pending timer keeps the process alive until somebody stops it
  const alive = setInterval(() => {}, 60_000)
  await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
  clearInterval(alive)
}
