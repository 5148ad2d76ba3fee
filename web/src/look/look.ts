// The order is the cascade: Cloudscape's own styles come with its components, the theme overrides their variables,
// and ours come last.
import 'virtual:cloudscape-theme.css';
import './look.css';
import './controls.css';
