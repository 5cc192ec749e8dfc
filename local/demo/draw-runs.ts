import { join } from 'node:path'
import { operate } from './operator.ts'
import type { Chapter } from './story.ts'
import type { View } from './view.ts'

/**
 * Draws who built what when in each run that built anything: as SVG, and the first one on the terminal, too.
 * @param folder of the world, where the files are put
 * @returns the files
 */
export async function drawRuns(folder: string, view: View, chapters: Chapter[]): Promise<string[]> {
  view.heading('The first push, drawn')
  const files: string[] = []
  for (const [index, { run }] of chapters.entries()) {
    if (run.batches.length === 0) continue
    const file = join(folder, `push-${index + 1}.svg`)
    const drawn = await operate(folder, ['run', 'show', run.run, '--gantt', file])
    if (files.length === 0) view.lines(drawn.trimEnd().split('\n').slice(0, -1))
    files.push(file)
  }
  return files
}
