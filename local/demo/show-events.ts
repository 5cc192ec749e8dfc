import type { BuildEvent } from '../codebuild/builds.ts'
import type { StackEvent } from '../stack/stack-events.ts'
import type { View } from './view.ts'

/** Shows what happens in the stack while it happens: states, builders' own words, refusals. */
export function showEvents(view: View): (event: StackEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'history': {
        const name = event.event.stateEnteredEventDetails?.name
        if (name !== undefined) view.from('state', name)
        break
      }
      case 'build-log':
        showBuildLog(view, event)
        break
      case 'denied':
        view.from('denied', JSON.stringify(event.denied))
        break
      case 'failure':
        view.from('failure', `${event.where}: ${event.message}`)
        break
      default:
        // resources, function logs and status changes are in the stack's folder
        break
    }
  }
}

function showBuildLog(view: View, { project, lines }: Extract<BuildEvent, { kind: 'build-log' }>): void {
  for (const line of lines) {
    // `[Container]` lines are CodeBuild's own; the indented ones quote what was built
    if (line.trim() === '' || line.startsWith('[Container]')) continue
    view.from(machineOf(project), line)
  }
}

/** `hearth-prod-x86-64-linux` runs on the machine x86_64-linux. */
function machineOf(project: string): string {
  return project.replace(/^hearth-[^-]+-/, '').replace('x86-64', 'x86_64')
}
