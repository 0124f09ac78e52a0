/** A model as nodes and edges with places: ports on the left, blocks, then conditions and kept outputs on the right. */
import { Graph, layout } from '@dagrejs/dagre';
import type { Edge, Node } from '@xyflow/react';
import type { ModelBlock, ModelCondition, ModelDetail, ModelOutput, ModelPort } from './api';

export type Part =
  | { kind: 'port'; port: ModelPort }
  | { kind: 'block'; block: ModelBlock }
  | { kind: 'condition'; condition: ModelCondition }
  | { kind: 'output'; output: ModelOutput };

export interface Input {
  name: string;
  ref: string;
}

export interface NodeData extends Record<string, unknown> {
  part: Part;
  inputs: Input[];
  /** The signal whose value the node shows. */
  ref: string;
}

export type GraphNode = Node<NodeData, 'part'>;
export type GraphEdge = Edge<{ ref: string }, 'signal'>;

export const WIDTH = 190;
const HEAD = 54;
export const ROW = 20;
const PAD = 8;

const constant = (ref: string): boolean => ref === 'true' || ref === 'false';

function inputsOf(part: Part): Input[] {
  if (part.kind === 'block') return Object.entries(part.block.inputs).map(([name, ref]) => ({ name, ref }));
  if (part.kind === 'condition') return [{ name: '', ref: part.condition.source }];
  return part.kind === 'output' ? [{ name: '', ref: part.output.source }] : [];
}

function idOf(part: Part): string {
  if (part.kind === 'port') return `in.${part.port.name}`;
  if (part.kind === 'block') return part.block.id;
  return part.kind === 'condition' ? `condition.${part.condition.name}` : `output.${part.output.name}`;
}

/** Where the value shown comes from: a condition and an output show their source. */
function refOf(part: Part): string {
  if (part.kind === 'condition') return part.condition.source;
  return part.kind === 'output' ? part.output.source : idOf(part);
}

function heightOf(part: Part): number {
  if (part.kind !== 'block') return HEAD + PAD;
  const rows = Object.keys(part.block.inputs).length + Object.keys(part.block.params).length;
  return HEAD + rows * ROW + PAD;
}

/** Distance [px] of an input from the top of its node. */
export const inputTop = (data: NodeData, at: number): number => (data.part.kind === 'block' ? HEAD + at * ROW + ROW / 2 : HEAD / 2);

export const partsOf = (model: ModelDetail): Part[] => [
  ...model.ports.map((port): Part => ({ kind: 'port', port })), ...model.blocks.map((block): Part => ({ kind: 'block', block })),
  ...model.conditions.map((condition): Part => ({ kind: 'condition', condition })), ...model.outputs.map((output): Part => ({ kind: 'output', output })),
];

export function nodeOf(part: Part): { id: string; data: NodeData } {
  return { id: idOf(part), data: { part, inputs: inputsOf(part), ref: refOf(part) } };
}

export interface ModelGraph {
  nodes: GraphNode[];
  edges: GraphEdge[];
  width: number;
  height: number;
}

export function graphOf(model: ModelDetail): ModelGraph {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: 18, ranksep: 58, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  const parts = partsOf(model);
  const known = new Set(parts.map(idOf));
  const edges: GraphEdge[] = [];
  for (const part of parts) graph.setNode(idOf(part), { width: WIDTH, height: heightOf(part) });
  for (const part of parts) {
    const target = idOf(part);
    inputsOf(part).forEach(({ name, ref }) => {
      if (constant(ref) || !known.has(ref)) return;
      graph.setEdge(ref, target);
      edges.push({ id: `${ref}>${target}.${name}`, source: ref, target, targetHandle: name || 'in', type: 'signal', data: { ref }, focusable: false });
    });
  }
  layout(graph);
  const nodes = parts.map((part): GraphNode => {
    const { x, y, height } = graph.node(idOf(part)) as { x: number; y: number; height: number };
    return { ...nodeOf(part), type: 'part', position: { x: x - WIDTH / 2, y: y - height / 2 }, width: WIDTH, height };
  });
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number };
  return { nodes, edges, width, height };
}
