import { ExpandOutlined, ZoomInOutlined, ZoomOutOutlined } from '@ant-design/icons';
import { Background, Panel, ReactFlow, useReactFlow, useStore } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import { Button } from 'antd';
import { useEffect, useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { titleOf } from '../../lib/format';
import type { ModelDetail, ModelLive } from './api';
import { focusOf, frameOf } from './frame';
import { graphOf, type ModelGraph } from './graph';
import { PartNode, ShownContext, SignalEdge } from './graph-node';
import { wordsOf } from './parts';

const NODES = { part: PartNode };
const EDGES = { signal: SignalEdge };
const WHOLE = { padding: 0.03, maxZoom: 1.15 };

/** Once the space has been measured, and until a person moves the graph, what matters most is in sight. */
function Frame({ graph, focus, moved }: { graph: ModelGraph; focus: string | null; moved: boolean }) {
  const { setViewport } = useReactFlow();
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  useEffect(() => {
    if (!moved && width && height) void setViewport(frameOf(graph, focus, { width, height }));
  }, [graph, focus, moved, width, height, setViewport]);
  return null;
}

function Zoom({ onMove }: { onMove: () => void }) {
  const { t } = useTranslation('models');
  const { zoomIn, zoomOut, fitView } = useReactFlow();
  const by = (move: () => Promise<boolean>) => () => { onMove(); void move(); };
  return (
    <Panel position="top-right" className="hw-graphzoom">
      <Button icon={<ZoomInOutlined />} aria-label={t('models:graph.zoomIn')} onClick={by(() => zoomIn())} />
      <Button icon={<ZoomOutOutlined />} aria-label={t('models:graph.zoomOut')} onClick={by(() => zoomOut())} />
      <Button icon={<ExpandOutlined />} aria-label={t('models:graph.fit')} onClick={by(() => fitView(WHOLE))} />
    </Panel>
  );
}

/** The graph of a model as it computes now. Nothing in it can be changed; choosing a node shows its way through the graph. */
export function GraphView({ model, live, onOpen }: { model: ModelDetail; live: ModelLive | undefined; onOpen: (id: string) => void }) {
  const { t } = useTranslation('models');
  const [chosen, setChosen] = useState<string | null>(null);
  const [moved, setMoved] = useState(false);
  const choose = (id: string | null) => {
    setMoved(true);
    setChosen(id);
  };
  const graph = useMemo(() => graphOf(model), [model]);
  const nodes = useMemo(
    () => graph.nodes.map((n) => ({ ...n, selected: n.id === chosen, ariaLabel: `${wordsOf(n.data.part, t).title} ${n.id}` })), [graph, chosen, t],
  );
  const edges = useMemo(
    () => graph.edges.map((e) => ({ ...e, selected: e.source === chosen || e.target === chosen })), [graph, chosen],
  );
  const shown = useMemo(() => ({ model, live, onOpen }), [model, live, onOpen]);
  return (
    <ShownContext value={shown}>
      <div className="hw-graph" data-testid="model-graph" data-tick={live?.tick_ms ?? undefined} data-chosen={chosen !== null}>
        <ReactFlow
          nodes={nodes} edges={edges} nodeTypes={NODES} edgeTypes={EDGES} nodesDraggable={false} nodesConnectable={false} edgesFocusable={false}
          deleteKeyCode={null} selectionKeyCode={null} multiSelectionKeyCode={null} minZoom={0.2} maxZoom={2}
          onMoveStart={(event) => { if (event) setMoved(true); }}
          onNodeClick={(_, node) => choose(node.id === chosen ? null : node.id)} onPaneClick={() => setChosen(null)}
          onNodesChange={(changes) => {
            for (const c of changes) if (c.type === 'select' && c.selected) choose(c.id);
          }}
          aria-label={t('models:graph.label', { title: titleOf(model.title) })}
          ariaLabelConfig={{
            'node.a11yDescription.default': t('models:graph.nodeHint'), 'node.a11yDescription.keyboardDisabled': t('models:graph.nodeHint'),
            'edge.a11yDescription.default': t('models:graph.nodeHint'), 'handle.ariaLabel': t('models:graph.handle'),
          }}
        >
          <Background gap={24} />
          <Frame graph={graph} focus={focusOf(model, live)} moved={moved} />
          <Zoom onMove={() => setMoved(true)} />
        </ReactFlow>
      </div>
    </ShownContext>
  );
}
