/** Which part of a graph is shown: all of it where that can be read, else the part around the node that matters. */
import type { ModelDetail, ModelLive } from './api';
import type { GraphNode } from './graph';

/** Smaller than this nobody reads it: a larger graph is moved about instead. */
export const READABLE = 0.8;
const LARGEST = 1.15;
const MARGIN_PX = 12;

export interface Box {
  width: number;
  height: number;
}

export interface Viewport {
  x: number;
  y: number;
  zoom: number;
}

/** The node that matters now: the most urgent condition that is true, without one the most urgent of all; else the first node. */
export function focusOf(model: ModelDetail, live: ModelLive | undefined): string | null {
  const rank = (c: ModelDetail['conditions'][number]) => (live?.conditions[c.name] === true ? 0 : 10) + c.priority;
  const first = [...model.conditions].sort((a, b) => rank(a) - rank(b))[0];
  return first ? `condition.${first.name}` : null;
}

/** Where the graph starts on one axis [px]: in the middle if it fits, else with `at` in the middle and no more margin than needed. */
function offset(space: number, graph: number, at: number): number {
  const inner = space - 2 * MARGIN_PX;
  if (graph <= inner) return (space - graph) / 2;
  return Math.min(MARGIN_PX, Math.max(space - MARGIN_PX - graph, space / 2 - at));
}

/** The viewport of a space [px] onto a graph (size in its own units), which follows `focus` where not all of it fits. */
export function frameOf(graph: { nodes: GraphNode[] } & Box, focus: string | null, space: Box): Viewport {
  const fit = Math.min((space.width - 2 * MARGIN_PX) / graph.width, (space.height - 2 * MARGIN_PX) / graph.height);
  const zoom = Math.min(LARGEST, Math.max(READABLE, fit));
  const node = graph.nodes.find((n) => n.id === focus) ?? graph.nodes[0];
  const x = node ? node.position.x + (node.width ?? 0) / 2 : 0;
  const y = node ? node.position.y + (node.height ?? 0) / 2 : 0;
  return { x: offset(space.width, graph.width * zoom, x * zoom), y: offset(space.height, graph.height * zoom, y * zoom), zoom };
}
