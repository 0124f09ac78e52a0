import antd from 'antd/es/locale/zh_CN';

const files = import.meta.glob<object>('../features/*/locale/zh-CN.json', { eager: true, import: 'default' });
const features = Object.fromEntries(Object.entries(files).map(([path, texts]) => [path.split('/')[2] ?? '', texts]));

export default { antd, features };
