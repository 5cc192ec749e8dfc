import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import type { DemoResult } from '../../../local/demo/result.ts'

/** Processes whose command line or environment names this folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false
    try {
      return ['cmdline', 'environ'].some((file) =>
        readFileSync(join('/proc', pid, file), 'utf8').includes(folder),
      )
    } catch {
      // it has ended meanwhile
      return false
    }
  })
}

/** What is told of each bar of a chart. */
function barsOf(chart: string): string[] {
  return [...readFileSync(chart, 'utf8').matchAll(/<title>([^<]*)<\/title>/g)].map(([, title = '']) => title)
}

test('the demo shows what it claims, says so in demo.json, and leaves no process behind', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hearth-demo-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const demo = spawn(process.execPath, ['local/demo/main.ts', '--json', '--folder', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [printed, told, [status]] = await Promise.all([
    text(demo.stdout),
    text(demo.stderr),
    once(demo, 'close'),
  ])
  expect(status, told).toBe(0)
  const result = JSON.parse(printed) as DemoResult
  expect(result).toEqual(JSON.parse(readFileSync(join(folder, 'demo.json'), 'utf8')))
  expect(result.holds).toBe(true)
  expect(
    result.pushes.map(({ verdict, built, published }) => [verdict, built.length, published.length]),
  ).toEqual([
    // licences.txt, which shells of all three systems want, is built once
    ['done', 25, 25],
    ['done', 3, 3],
    ['done', 0, 0],
  ])
  expect(result.charts).toEqual([join(folder, 'push-1.svg'), join(folder, 'push-2.svg')])
  const [first, second] = result.charts.map((chart) => barsOf(chart))
  // before and after the plan that the Mac's shell imports
  expect(first?.filter((bar) => bar.startsWith('evaluation '))).toHaveLength(2)
  expect(first?.some((bar) => bar.startsWith('batch 1-aarch64-darwin-') && bar.includes('plan.nix'))).toBe(
    true,
  )
  for (const chart of [first, second])
    for (const system of ['x86_64-linux', 'aarch64-linux', 'aarch64-darwin'])
      expect(chart?.filter((bar) => bar.startsWith(`batch 1-${system}-1-1, `))).toHaveLength(1)
  expect(processesOf(folder)).toEqual([])
})
