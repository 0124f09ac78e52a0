/** A model as nodes and edges with places: ports on the left, blocks, then conditions and kept outputs on the right. */
import { Graph, layout } from '@dagrejs/dagre';
import type { Edge, Node } from '@xyflow/react';
import type { BlockOutput, ModelBlock, ModelCondition, ModelDetail, ModelOutput, ModelPort } from './api';
import { blockParams } from './parts';
import { isConstant } from './signals';

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
  /** Outputs that have a row and a handle of their own; empty where the node has one output, that of its head. */
  outputs: BlockOutput[];
  /** The signal whose value the node shows. */
  ref: string;
}

export type GraphNode = Node<NodeData, 'part'>;
export type GraphEdge = Edge<{ ref: string }, 'signal'>;

export const WIDTH = 190;
const HEAD = 54;
export const ROW = 20;
const PAD = 8;
export const PLOT = 52;

function inputsOf(part: Part): Input[] {
  if (part.kind === 'block') return Object.entries(part.block.inputs).map(([name, ref]) => ({ name, ref }));
  if (part.kind === 'condition') return [{ name: '', ref: part.condition.source }];
  return part.kind === 'output' ? [{ name: '', ref: part.output.source }] : [];
}

const outputsOf = (part: Part): BlockOutput[] =>
  part.kind === 'block' && (part.block.graph !== null || part.block.outputs.length > 1) ? part.block.outputs : [];

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
  const rows = Object.keys(part.block.inputs).length + outputsOf(part).length + blockParams(part.block).length;
  return HEAD + rows * ROW + (part.block.table ? PLOT : 0) + PAD;
}

/** Distance [px] of an input from the top of its node. */
export const inputTop = (data: NodeData, at: number): number => (data.part.kind === 'block' ? HEAD + at * ROW + ROW / 2 : HEAD / 2);

/** Distance [px] of an output from the top of its node. */
export const outputTop = (data: NodeData, at: number): number => HEAD + (data.inputs.length + at) * ROW + ROW / 2;

/** The handle an edge starts from: a row of its own for one of several outputs. */
function handleOf(block: ModelBlock | undefined, ref: string): string | undefined {
  const outputs = block ? outputsOf({ kind: 'block', block }) : [];
  return (outputs.find((o) => o.signal === ref) ?? outputs[0])?.name;
}

export const partsOf = (model: ModelDetail): Part[] => [
  ...model.ports.map((port): Part => ({ kind: 'port', port })), ...model.blocks.map((block): Part => ({ kind: 'block', block })),
  ...model.conditions.map((condition): Part => ({ kind: 'condition', condition })), ...model.outputs.map((output): Part => ({ kind: 'output', output })),
];

export function nodeOf(part: Part): { id: string; data: NodeData } {
  return { id: idOf(part), data: { part, inputs: inputsOf(part), outputs: outputsOf(part), ref: refOf(part) } };
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
  const blocks = new Map(model.blocks.map((b) => [b.id, b]));
  const edges: GraphEdge[] = [];
  for (const part of parts) graph.setNode(idOf(part), { width: WIDTH, height: heightOf(part) });
  for (const part of parts) {
    const target = idOf(part);
    inputsOf(part).forEach(({ name, ref }) => {
      const source = ref.startsWith('in.') ? ref : ref.split('.')[0] ?? ref;
      if (isConstant(ref) || !known.has(source)) return;
      graph.setEdge(source, target);
      edges.push({
        id: `${ref}>${target}.${name}`, source, sourceHandle: handleOf(blocks.get(source), ref), target, targetHandle: name || 'in', type: 'signal',
        data: { ref }, focusable: false,
      });
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
