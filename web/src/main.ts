import { mount } from 'svelte';
import Page from './components/Page.svelte';
import './style.css';

const target = document.getElementById('app');
if (target) mount(Page, { target });
